import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { toByteLength } from '../../base/quantities.ts';
import { AddressSpace } from '../../linux/calls/address-space.ts';
import { ResourceLimits } from '../../linux/calls/resource-limits.ts';
import type { LimitName } from '../../linux/calls/resource-limits.ts';
import { planArena } from './capacity.ts';
import type { ArenaPlan } from './capacity.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const MiB = 1_048_576;
const GiB = 1024 * MiB;
const PAGE = 4096;

/** A machine with 16 GiB available. */
interface Machine {
  readonly limits?: Partial<Record<LimitName, number>>;
  /** The address space that can be mapped, regardless of limits. */
  readonly addresses?: number;
  readonly tryAddressSpace?: boolean;
}

function planOn(
  t: TestContext,
  machine: Machine,
  request: { readonly capacity?: number; readonly fragmented?: number } = {},
): ArenaPlan {
  const limits = new ResourceLimits();
  limits.bytesOf = (name) => machine.limits?.[name];
  const addressSpace = new AddressSpace();
  addressSpace.roomUpTo = (wanted) => Math.min(wanted, machine.addresses ?? Number.POSITIVE_INFINITY);
  return planArena(
    {
      capacityBytes: request.capacity === undefined ? undefined : toByteLength(request.capacity),
      fragmentedBytes: request.fragmented ?? 0,
      pageSize: toByteLength(PAGE),
      blockBytes: () => 4 * MiB,
    },
    {
      limits,
      addressSpace,
      machine: otherMachine({ root: temporaryTree(t, { 'proc/meminfo': `MemAvailable: ${(16 * GiB) / 1024} kB\n` }) }),
      tryAddressSpace: machine.tryAddressSpace ?? false,
    },
  );
}

test('planArena takes half of the memory available, and twice that as range', (t) => {
  const { capacityBytes, rangeBytes, reason } = planOn(t, {});
  assert.deepEqual([capacityBytes, rangeBytes], [8 * GiB, 16 * GiB]);
  assert.equal(reason, 'half of the room that MemAvailable left when it was opened');
});

test('planArena takes the requested capacity, and a range of 4 GiB at least', (t) => {
  const { capacityBytes, rangeBytes } = planOn(t, {}, { capacity: 64 * MiB });
  assert.deepEqual([capacityBytes, rangeBytes], [64 * MiB, 4 * GiB]);
});

test('planArena makes no file larger than RLIMIT_FSIZE', (t) => {
  const machine = { limits: { RLIMIT_FSIZE: GiB + 1 } };
  const { capacityBytes, rangeBytes, reason, remedy } = planOn(t, machine);
  assert.deepEqual([capacityBytes, rangeBytes], [GiB, GiB]);
  assert.match(
    `${reason}: ${remedy}`,
    /^RLIMIT_FSIZE lets no file of this process have more than 1\.0 GiB: .*ulimit -f/u,
  );
  assert.deepEqual(planOn(t, machine, { capacity: GiB }).rangeBytes, GiB);
  assert.throws(() => planOn(t, machine, { capacity: GiB + PAGE }), { code: 'EFBIG' });
});

test('planArena takes half of the addresses that RLIMIT_AS leaves beyond 256 MiB', (t) => {
  const machine = { limits: { RLIMIT_AS: 4 * GiB }, addresses: 2 * GiB + 256 * MiB };
  const { capacityBytes, rangeBytes, reason } = planOn(t, machine);
  assert.deepEqual([capacityBytes, rangeBytes], [GiB, GiB]);
  assert.match(reason, /^RLIMIT_AS of 4 GiB leaves 2 GiB of addresses/u);
});

test('planArena gives more than half of the addresses to a requested capacity, and at most all', (t) => {
  const machine = { limits: { RLIMIT_AS: 4 * GiB }, addresses: 2 * GiB + 256 * MiB };
  assert.equal(planOn(t, machine, { capacity: 1536 * MiB }).rangeBytes, 1536 * MiB);
  assert.throws(() => planOn(t, machine, { capacity: 3 * GiB }), { code: 'ENOMEM', message: /RLIMIT_AS.*ulimit -v/u });
});

test('planArena uses the least of several limits, and names it', (t) => {
  const limits = { RLIMIT_AS: 4 * GiB, RLIMIT_FSIZE: 512 * MiB };
  const both = planOn(t, { limits, addresses: 2 * GiB + 256 * MiB });
  assert.equal(both.capacityBytes, 512 * MiB);
  assert.match(both.reason, /^RLIMIT_FSIZE/u);
  const other = planOn(t, { limits: { ...limits, RLIMIT_FSIZE: 3 * GiB }, addresses: 2 * GiB + 256 * MiB });
  assert.equal(other.capacityBytes, GiB);
  assert.match(other.reason, /^RLIMIT_AS/u);
});

test('planArena checks the address space of a machine without a limit only on request', (t) => {
  const machine = { addresses: 2 * GiB + 256 * MiB };
  assert.equal(planOn(t, machine).rangeBytes, 16 * GiB);
  const { rangeBytes, reason } = planOn(t, { ...machine, tryAddressSpace: true });
  assert.equal(rangeBytes, GiB);
  assert.match(reason, /^the address space leaves 2 GiB/u);
});

test('planArena has room for the gaps of a fragmented buffer, or refuses', (t) => {
  const machine = { limits: { RLIMIT_FSIZE: GiB } };
  const request = { capacity: 256 * MiB, fragmented: 512 * MiB };
  assert.equal(planOn(t, machine, request).rangeBytes, GiB);
  assert.throws(() => planOn(t, machine, { ...request, fragmented: 513 * MiB }), { code: 'EFBIG' });
});

test('planArena refuses where a limit does not leave a page', (t) => {
  assert.throws(() => planOn(t, { limits: { RLIMIT_FSIZE: PAGE - 1 } }), { code: 'EFBIG', message: /RLIMIT_FSIZE/u });
  assert.equal(planOn(t, { limits: { RLIMIT_FSIZE: PAGE } }).capacityBytes, PAGE);
  const full = { limits: { RLIMIT_AS: 4 * GiB }, addresses: 256 * MiB };
  assert.throws(() => planOn(t, full), { code: 'ENOMEM', message: /RLIMIT_AS/u });
});
