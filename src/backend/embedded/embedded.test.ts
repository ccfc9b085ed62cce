/** What the embedded heap does beyond the conformance suite: layout, warm pages, what it tells of itself. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { collectGarbageUntil } from '../../../test/support/collect-garbage.ts';
import { checkLeaksAfterFile, heldMemory } from '../../../test/support/leak-check.ts';
import { temporaryTree } from '../../../test/support/temporary-folder.ts';
import { GiB, KiB, MiB } from '../../base/sizes.ts';
import type { Heap } from '../../heap/heap.ts';
import { openEmbeddedHeap, openEmbeddedHeapWithin } from './index.ts';
import type { OrderMixName } from './index.ts';

checkLeaksAfterFile();

/** [order, entries] of a buffer of `length` bytes from a heap fragmented in a mix. */
function ordersOfMix(mix: OrderMixName, length: number, orders?: readonly number[]): unknown {
  const heap = openEmbeddedHeap({ capacity: 2 * length, orders, fragmentation: { mix, length, seed: 1 } });
  const buffer = heap.allocate(length);
  const layout = buffer.layout();
  assert.ok(layout.known);
  const runCount = layout.table.runs().count;
  const histogram = new Map<number, number>();
  for (const entry of layout.table.entries()) {
    const order = Math.log2(entry.length / heap.pageSize);
    histogram.set(order, (histogram.get(order) ?? 0) + 1);
  }
  buffer.close();
  heap.close();
  return { orders: [...histogram], runCount };
}

test('openEmbeddedHeap() gives 64 MiB in the mixes A to E, every chunk a run of its own', () => {
  assert.deepEqual(ordersOfMix('A', 64 * MiB, [9, 4, 0]), { orders: [[9, 32]], runCount: 32 });
  assert.deepEqual(ordersOfMix('B', 64 * MiB), { orders: [[8, 64]], runCount: 64 });
  assert.deepEqual(ordersOfMix('C', 64 * MiB), {
    orders: [
      [8, 38],
      [4, 313],
      [0, 1648],
    ],
    runCount: 38 + 313 + 1648,
  });
  assert.deepEqual(ordersOfMix('D', 64 * MiB), {
    orders: [
      [4, 614],
      [0, 6560],
    ],
    runCount: 614 + 6560,
  });
  assert.deepEqual(ordersOfMix('E', 64 * MiB), { orders: [[0, 16_384]], runCount: 16_384 });
});

test('openEmbeddedHeap() allocates by the orders it is given', () => {
  const heap = openEmbeddedHeap({ capacity: 256 * MiB, orders: [11, 7, 0] });
  const buffer = heap.allocate(8 * MiB + 512 * KiB + 4 * KiB);
  const layout = buffer.layout();
  assert.ok(layout.known);
  assert.deepEqual(
    [...layout.table.entries()].map((entry) => entry.length),
    [8 * MiB, 512 * KiB, 4 * KiB],
  );
  buffer.close();
  heap.close();
});

test('an embedded buffer commits memory only where it is touched', () => {
  const heap = openEmbeddedHeap({ capacity: 1024 * MiB });
  const buffer = heap.allocate(512 * MiB);
  assert.equal(heap.stats().committedBytes, 0);
  const view = buffer.vmap();
  view.bytes[0] = 1;
  view.bytes[256 * MiB] = 1;
  assert.equal(heap.stats().committedBytes, 2 * heap.pageSize);
  view.close();
  buffer.close();
  heap.close();
});

test('freed pages stay warm up to the limit, are wiped for the next owner, and go back beyond it', () => {
  const heap = openEmbeddedHeap({ capacity: 64 * MiB, warm: 4 * MiB });
  const use = (length: number): void => {
    const buffer = heap.allocate(length);
    buffer.accessSync('write', (bytes) => {
      assert.ok(bytes.every((byte) => byte === 0));
      bytes.fill(0xff);
    });
    buffer.close();
  };
  use(3 * MiB);
  assert.equal(heap.stats().warmBytes, 3 * MiB);
  use(3 * MiB);
  assert.equal(heap.stats().warmBytes, 3 * MiB);
  assert.equal(heap.stats().committedBytes, 3 * MiB);
  use(16 * MiB);
  assert.ok(heap.stats().warmBytes <= 4 * MiB);
  assert.equal(heap.stats().committedBytes, heap.stats().warmBytes);
  heap.close();
});

test('ArenaPages sees what windows write, and is seen by them', () => {
  const heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const buffer = heap.allocate(2 * MiB);
  const layout = buffer.layout();
  assert.ok(layout.known);
  const { pfn } = layout.table.entry(1);
  const view = buffer.vmap();
  view.bytes.set([1, 2, 3], MiB);
  assert.deepEqual([...heap.arena.read(pfn).subarray(0, 4)], [1, 2, 3, 0]);
  heap.arena.write(pfn, new Uint8Array([9, 8]));
  assert.deepEqual([...view.subarray(MiB, 3)], [9, 8, 3]);
  assert.throws(() => heap.arena.read(heap.arena.pageCount), RangeError);
  assert.throws(() => heap.arena.write(0, new Uint8Array(heap.pageSize + 1)), RangeError);
  view.close();
  buffer.close();
  // A page written past its owner, and even one without an owner, is zero for the next.
  for (const block of heap.arena.freeBlocks()) heap.arena.write(block.pfn, new Uint8Array([7]));
  const next = heap.allocate(32 * MiB);
  next.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 0)));
  next.close();
  heap.close();
});

test('openEmbeddedHeap() refuses options that are none', () => {
  for (const capacity of [0, -1, 1.5, 2 ** 52]) assert.throws(() => openEmbeddedHeap({ capacity }), RangeError);
  assert.throws(() => openEmbeddedHeap({ orders: [4, 8, 0] }), RangeError);
  for (const trackAllocations of [1, 'true', null])
    assert.throws(() => openEmbeddedHeap({ trackAllocations: trackAllocations as never }), TypeError);
  assert.throws(() => openEmbeddedHeap({ warm: -1 }), RangeError);
  assert.throws(() => openEmbeddedHeap({ size: MiB } as never), /no option "size"/u);
  assert.throws(() => openEmbeddedHeap({ fragmentation: { mix: 'F' as OrderMixName, length: MiB } }), TypeError);
  assert.throws(() => openEmbeddedHeap({ fragmentation: { mix: 'B', length: 0 } }), RangeError);
});

test('openEmbeddedHeap() takes orders whose chunks one entry can hold, and refuses larger ones', () => {
  const heap = openEmbeddedHeap({ capacity: 4 * GiB, orders: [19, 0] });
  assert.equal(heap.stats().freeBlockCounts.length, 21);
  heap.close();
  // 2^20 pages of 4 KiB are 4 GiB, which no unsigned int holds.
  for (const order of [20, 29, 30]) {
    assert.throws(() => openEmbeddedHeap({ capacity: 4 * GiB, orders: [order, 0] }), {
      name: 'RangeError',
      message: /largest order as it must be a whole number from 0 to 19/u,
    });
  }
});

test('ArenaPages.write into a living buffer survives that warm pages are given back', (t) => {
  const root = temporaryTree(t, { 'proc/meminfo': 'MemAvailable: 65536 kB\n', 'proc/self/maps': '' });
  const heap = openEmbeddedHeapWithin({ root }, { capacity: 512 * MiB, warm: 8 * MiB }, 'a test');
  const warm = heap.allocate(MiB);
  warm.accessSync('write', (bytes) => bytes.fill(1));
  const buffer = heap.allocate(MiB);
  warm.close();
  const layout = buffer.layout();
  assert.ok(layout.known);
  const { pfn } = layout.table.entry(0);
  const view = buffer.vmap();
  view.bytes[9] = 43;
  heap.arena.write(pfn, new Uint8Array([42]));
  assert.equal(heap.stats().warmBytes, MiB);
  assert.throws(() => heap.allocate(256 * MiB), /MemAvailable leaves room for 64 MiB/u);
  assert.equal(heap.stats().warmBytes, 0);
  assert.deepEqual([view.bytes[0], view.bytes[9]], [42, 43]);
  view.close();
  buffer.close();
  heap.close();
});

test('a buffer whose page was written past it is zero for the next owner, though it was never mapped', () => {
  const heap = openEmbeddedHeap({ capacity: MiB });
  const buffer = heap.allocate(MiB);
  const layout = buffer.layout();
  assert.ok(layout.known);
  heap.arena.write(layout.table.entry(0).pfn, new Uint8Array([42]));
  buffer.close();
  const next = heap.allocate(MiB);
  next.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 0)));
  next.close();
  heap.close();
});

test('what is written into the arrays of a table does not reach the memory', () => {
  const heap = openEmbeddedHeap({ capacity: 8 * MiB });
  const buffer = heap.allocate(4 * MiB);
  const layout = buffer.layout();
  assert.ok(layout.known);
  const view = buffer.vmap();
  layout.table.runs().lengths.fill(2 ** 40);
  layout.table.runs().pfns.fill(0);
  view.bytes.fill(1);
  view.close();
  buffer.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 1)));
  buffer.close();
  heap.close();
});

test('exportFd() of a buffer in the arena names the option that makes it possible', () => {
  const heap = openEmbeddedHeap({ capacity: MiB });
  const buffer = heap.allocate(1);
  assert.throws(() => buffer.exportFd(), /allocate it with \{ shareable: true \}/u);
  buffer.close();
  heap.close();
});

function dropTrackedBuffer(heap: Heap): void {
  heap.allocate(MiB, { name: 'tracked' });
}

test('the warning about a buffer collected unclosed tells where it was allocated, if that was asked for', async (context) => {
  const details: string[] = [];
  const listener = (warning: Error & { detail?: string }): void => {
    if (warning.name === 'DmaBufWarning') details.push(String(warning.detail));
  };
  process.on('warning', listener);
  context.after(() => process.off('warning', listener));
  const heap = openEmbeddedHeap({ capacity: 8 * MiB, trackAllocations: true });
  dropTrackedBuffer(heap);
  assert.ok(await collectGarbageUntil(() => details.length > 0));
  assert.match(String(details[0]), /dropTrackedBuffer/u);
  heap.close();
});

function dropHeap(): void {
  openEmbeddedHeap({ capacity: 8 * MiB });
}

test('a heap that is collected unclosed gives its arena back', async () => {
  const before = heldMemory();
  dropHeap();
  assert.ok(heldMemory().fds.length > before.fds.length);
  assert.ok(await collectGarbageUntil(() => heldMemory().fds.length === before.fds.length));
  assert.deepEqual(heldMemory(), before);
});
