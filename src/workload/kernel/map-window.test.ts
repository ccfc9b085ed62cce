import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import { kernelCalls } from '../../linux/calls/kernel-calls.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { MADV_DONTNEED, MADV_POPULATE_WRITE } from '../../uapi/mman.ts';
import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { openWorkloadHeap } from '../workload-heap.ts';
import { mappingWaysOf, mapWindow } from './map-window.ts';

checkLeaksAfterFile();

const PAGE_COUNT = 1024;
const LENGTH = PAGE_COUNT * 4 * KiB;
/** Linux's EFAULT, as MADV_POPULATE_WRITE returns it for memory whose driver makes the entries. */
const EFAULT = 14;

/** The page faults that `body` takes. V8 itself takes a few. */
function faultsOf(body: () => void): number {
  const before = process.resourceUsage().minorPageFault;
  body();
  return process.resourceUsage().minorPageFault - before;
}

for (const cached of [0, 256 * MiB])
  for (const way of ['page', 'run', 'heap'] as const) {
    test(`by ${way}, with ${cached} bytes cached, all entries are there and the bytes are the buffer's`, () => {
      using heap = openEmbeddedHeap({ capacity: 16 * MiB, cached, hugePages: false });
      const buffer = heap.allocate(LENGTH);
      buffer.accessSync('write', (bytes) => bytes.forEach((_, index) => (bytes[index] = index & 0xff)));
      for (let round = 0; round < 2; round += 1) {
        const view = mapWindow(buffer, way);
        const { bytes } = view;
        const faults = faultsOf(() => {
          for (let page = 0; page < PAGE_COUNT; page += 1) bytes[page * 4 * KiB] = 0;
        });
        assert.ok(faults < PAGE_COUNT / 4, `${faults} page faults for ${PAGE_COUNT} pages`);
        assert.ok(bytes.every((byte, index) => byte === (index % (4 * KiB) === 0 ? 0 : index & 0xff)));
        view.close();
      }
      buffer.close();
      assert.equal(heap.stats().bufferCount, 0);
    });
  }

test('by page takes a fault for each page, by run at most one for four, whatever the heap had mapped before', () => {
  for (const cached of [0, 256 * MiB]) {
    using heap = openEmbeddedHeap({ capacity: 16 * MiB, cached, hugePages: false });
    const buffer = heap.allocate(LENGTH);
    buffer.vmap({ populate: true }).close();
    const byPage = faultsOf(() => mapWindow(buffer, 'page').close());
    assert.ok(byPage >= PAGE_COUNT && byPage < PAGE_COUNT * 1.25, `${byPage} page faults by page`);
    const byRun = faultsOf(() => mapWindow(buffer, 'run').close());
    assert.ok(byRun >= PAGE_COUNT / 16 && byRun < PAGE_COUNT / 4, `${byRun} page faults by run`);
    buffer.close();
  }
});

test('where the kernel refuses, nothing stays mapped', () => {
  using heap = openEmbeddedHeap({ capacity: MiB, hugePages: false });
  const buffer = heap.allocate(64 * KiB);
  for (const refused of [MADV_DONTNEED, MADV_POPULATE_WRITE]) {
    const madvise = (address: number, length: number, advice: number): number =>
      advice === refused ? -EFAULT : kernelCalls.madvise(address, length, advice);
    const calls = new MemoryCalls({ ...kernelCalls, madvise });
    assert.throws(() => mapWindow(buffer, 'page', calls), { name: 'DmaBufError', syscall: 'madvise' });
  }
  buffer.close();
  assert.deepEqual([heap.stats().bufferCount, heap.stats().mappingCount], [0, 0]);
});

test('a heap tells why it leaves no choice, and what would', { skip: process.arch !== 'x64' && 'x86-64 only' }, () => {
  using heap = openWorkloadHeap(undefined, 0);
  assert.deepEqual(mappingWaysOf(heap), { ways: ['page', 'run'] });
  const old = new MemoryCalls({ ...kernelCalls, madvise: () => -22 });
  assert.deepEqual(mappingWaysOf(heap, old), {
    ways: ['heap'],
    reason: 'the kernel is older than 5.14',
    remedy: 'use a newer one',
  });
  assert.equal(heap.stats().bufferCount, 0);
});
