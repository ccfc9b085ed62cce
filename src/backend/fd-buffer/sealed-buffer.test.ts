import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkLeaksAfterFile, heldMemory } from '../../../test/support/runner/leak-check.ts';
import { presentPages } from '../../../test/support/devices/page-tables.ts';
import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { toByteLength } from '../../base/quantities.ts';
import { createWasmSpace } from '../../heap/wasm/wasm-space.ts';
import { addressOf, kernelCalls } from '../../linux/calls/kernel-calls.ts';
import { F_ADD_SEALS, F_GET_SEALS } from '../../uapi/fcntl.ts';
import { F_SEAL_FUTURE_WRITE } from '../../uapi/memfd.ts';
import { openEmbeddedHeap } from '../embedded/embedded-heap.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

checkLeaksAfterFile();

const LENGTH = 64 * 1024;
const PAGE = kernelCalls.getpagesize();
const EINVAL = 22;
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_FUTURE_WRITE (man 2 fcntl). */
const SEALS = 0x1 | 0x2 | 0x4 | 0x10;

test("A buffer of { shareable: 'read-only' } is sealed for every holder of its descriptor", () => {
  const heap = openEmbeddedHeap({ capacity: 2 * LENGTH });
  const buffer = heap.allocate(LENGTH, { shareable: 'read-only' });
  const fd = buffer.exportFd();
  assert.equal(kernelCalls.fcntl(fd.borrow(), F_GET_SEALS, 0), SEALS);
  for (const each of [fd, buffer, heap]) each.close();
});

test("allocate(…, { shareable: 'read-only' }) throws where the kernel has no such seal, and leaves nothing", () => {
  const fcntl: typeof kernelCalls.fcntl = (fd, command, argument) =>
    command === F_ADD_SEALS && (argument & F_SEAL_FUTURE_WRITE) !== 0
      ? -EINVAL
      : kernelCalls.fcntl(fd, command, argument);
  const heap = openEmbeddedHeap({ capacity: 2 * LENGTH }, otherMachine({ raw: rawCallsWith({ fcntl }) }));
  const before = heldMemory();
  assert.throws(
    () => heap.allocate(LENGTH, { shareable: 'read-only' }),
    (error) => isDmaBufError(error, 'EOPNOTSUPP') && /F_SEAL_FUTURE_WRITE.*Linux 5\.1/u.test(error.message),
  );
  assert.deepEqual(heldMemory(), before);
  assert.deepEqual([heap.stats().usedBytes, heap.stats().mappingCount], [0, 0]);
  heap.close();
});

test('populate in a wasm space faults pages in without MADV_POPULATE_READ, or throws', () => {
  const raw = rawCallsWith({ madvise: () => -EINVAL });
  const heap = openEmbeddedHeap({ capacity: 2 * LENGTH }, otherMachine({ raw }));
  const buffer = heap.allocate(LENGTH, { shareable: 'read-only' });
  for (const readOnly of [false, true]) {
    const view = buffer.vmap({ populate: true, readOnly });
    const range = { address: addressOf(view.bytes), length: toByteLength(LENGTH) };
    assert.deepEqual(presentPages(range, PAGE), Array(LENGTH / PAGE).fill(true));
    view.close();
  }
  const space = createWasmSpace({ length: LENGTH });
  // The pages are committed by now, so touching suffices.
  space.map(buffer, { populate: true }).close();
  const untouched = heap.allocate(LENGTH, { shareable: 'read-only' });
  assert.throws(
    () => space.map(untouched, { populate: true }),
    (error) => isDmaBufError(error, 'EOPNOTSUPP') && error.message.includes('without { populate: true }'),
  );
  space.map(untouched).close();
  for (const each of [space, buffer, untouched]) each.close();
  assert.deepEqual([heap.stats().usedBytes, heap.stats().mappingCount], [0, 0]);
  heap.close();
});
