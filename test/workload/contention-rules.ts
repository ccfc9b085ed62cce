/** What users of one buffer must wait for, on any heap that can pass its buffers on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB } from '../../src/base/sizes.ts';
import type { Heap } from '../../src/index.ts';
import type { PartyHold } from '../../src/workload/contention/party-messages.ts';
import { runWorkload } from '../../src/workload/run-workload.ts';
import type { WorkloadOutcome } from '../../src/workload/run-workload.ts';
import type { LoadPlace, PacedLoad } from '../../src/workload/workload.ts';
import type { ConsumerHeap } from './consumers.ts';

/** A use of a lock, and what its user does with the buffer. */
interface UserHold extends PartyHold {
  readonly use: string;
}

/**
 * In each, users come while the mapper maps, unless the machine is very busy: then each round takes
 * twice the time of the last, as it takes long to start one.
 */
const ROUND_COUNT_MAX = 4;
/** Of the first round: six mappings, at 20 a second. */
const ROUND_SECONDS = 0.3;
const LENGTH = 32 * MiB;

function usersOf(place: LoadPlace): PacedLoad[] {
  const uses = [['vmap', 20], ['cpu-access', 100], ['attachment', 100], ['mmap', 100]] as const; // prettier-ignore
  return uses.map(([use, stepsPerSecond]) => ({
    consumer: 'dma-buf-user',
    buffer: 'shared',
    lengthBytes: LENGTH,
    use,
    stepsPerSecond,
    place,
  }));
}

export function testContention({ name, missing, open }: ConsumerHeap): void {
  for (const place of ['thread', 'process'] as const) {
    test(`${name}: users in a ${place} of their own wait until a mapping is done`, { skip: missing }, async () => {
      using heap = open();
      const seen = new Set<string>();
      let holds: UserHold[] = [];
      for (let round = 0; round < ROUND_COUNT_MAX && seen.size < 2; round += 1) {
        holds = [];
        const seconds = ROUND_SECONDS * 2 ** round;
        const outcome = await runOnce(heap, { place, seconds }, holds);
        assertOneAtATime(holds);
        for (const use of usesThatWaited(holds)) seen.add(use);
        assertReported(outcome, holds, { place, mappingCount: 6 * 2 ** round });
      }
      assert.deepEqual([...seen].toSorted(), ['attachment', 'cpu-access'], describeHolds(holds));
      assert.equal(heap.stats().bufferCount, 0);
    });
  }
}

async function runOnce(
  heap: Heap,
  { place, seconds }: { readonly place: LoadPlace; readonly seconds: number },
  holds: UserHold[],
): Promise<WorkloadOutcome> {
  const workload = { name: 'test', title: 'Test', basis: 'none', loads: usersOf(place) };
  const onHold = (hold: PartyHold, load: PacedLoad): void =>
    void holds.push({ ...hold, use: 'use' in load ? load.use : '' });
  const options = { caller: 'as-is', conversion: 'entry', seed: 0, extent: { seconds } } as const;
  return await runWorkload(workload, { heap, ...options, partyHooks: { onHold } });
}

/** The time stamps of all users are of one clock. */
function assertOneAtATime(holds: readonly UserHold[]): void {
  for (const lock of ['reservation', 'exporter']) {
    const inOrder = holds.filter((hold) => hold.lock === lock).toSorted((a, b) => a.takenNs - b.takenNs);
    for (const [index, { takenNs, use }] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before === undefined) continue;
      assert.ok(takenNs >= before.releasedNs, `${use} has the ${lock} lock while ${before.use} has it`);
    }
  }
}

/**
 * The uses of those that wanted a lock while the mapper had it, whether they came then or before:
 * as nobody has it beside another, they waited until the mapper released it.
 */
function usesThatWaited(holds: readonly UserHold[]): Set<string> {
  const waited = new Set<string>();
  for (const mapper of holds.filter(({ use }) => use === 'vmap'))
    for (const user of holds.filter(({ use, lock }) => use !== 'vmap' && lock === mapper.lock))
      if (user.askedNs < mapper.releasedNs && user.takenNs >= mapper.takenNs) waited.add(user.use);
  return waited;
}

/** Who had which lock, from when to when, for a failure that nobody can watch again. */
function describeHolds(holds: readonly UserHold[]): string {
  const [first] = holds.map(({ askedNs }) => askedNs).toSorted((one, other) => one - other);
  const milliseconds = (ns: number): string => ((ns - (first ?? 0)) / 1e6).toFixed(1);
  return holds
    .map(
      (hold) =>
        `${hold.use} ${hold.lock}: ${[hold.askedNs, hold.takenNs, hold.releasedNs].map(milliseconds).join(' ')}`,
    )
    .join('\n');
}

function assertReported(
  { loads, report, lockUse }: WorkloadOutcome,
  holds: readonly UserHold[],
  expected: { readonly place: LoadPlace; readonly mappingCount: number },
): void {
  const [mapper, , , mmap] = loads;
  assert.ok(mapper !== undefined && 'locks' in mapper && mmap !== undefined && 'locks' in mmap);
  const { place, mappingCount } = expected;
  assert.deepEqual(
    [mapper.place, mapper.mappingCount, mapper.mappedBytes],
    [place, mappingCount, mappingCount * LENGTH],
  );
  assert.equal(report.mappingCount, mappingCount);
  // The kernel's mmap takes neither lock.
  assert.deepEqual([mmap.mappingCount, mmap.locks], [0, []]);
  assert.equal(lockUse.holdCount, holds.filter(({ lock }) => lock === 'reservation').length);
  for (const load of loads)
    for (const { waitCount, waitedNs, waitNs } of 'locks' in load ? load.locks : []) {
      if (waitNs === undefined) assert.equal(waitCount, 0);
      else {
        assert.ok(waitNs.median <= waitNs.high99 && waitNs.high99 <= waitNs.max && waitNs.max <= waitedNs);
      }
    }
}
