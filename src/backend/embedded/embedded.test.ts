/** The embedded heap beyond the conformance suite: layout, cached pages, statistics. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { collectGarbageUntil } from '../../../test/support/runner/collect-garbage.ts';
import { checkLeaksAfterFile, heldMemory } from '../../../test/support/runner/leak-check.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { GiB, KiB, MiB } from '../../base/sizes.ts';
import type { Heap } from '../../heap/heap.ts';
import { openEmbeddedHeap } from './embedded-heap.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

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

test('openEmbeddedHeap() gives 64 MiB in every mix, each chunk a run of its own', () => {
  assert.deepEqual(ordersOfMix('huge', 64 * MiB, [9, 4, 0]), { orders: [[9, 32]], runCount: 32 });
  assert.deepEqual(ordersOfMix('fresh', 64 * MiB), { orders: [[8, 64]], runCount: 64 });
  assert.deepEqual(ordersOfMix('aged', 64 * MiB), {
    orders: [
      [8, 38],
      [4, 313],
      [0, 1648],
    ],
    runCount: 38 + 313 + 1648,
  });
  assert.deepEqual(ordersOfMix('fragmented', 64 * MiB), {
    orders: [
      [4, 614],
      [0, 6560],
    ],
    runCount: 614 + 6560,
  });
  assert.deepEqual(ordersOfMix('single-pages', 64 * MiB), { orders: [[0, 16_384]], runCount: 16_384 });
});

test('openEmbeddedHeap() allocates by the given orders', () => {
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

test('an embedded buffer of ordinary pages commits memory only where it is touched', () => {
  const heap = openEmbeddedHeap({ capacity: 1024 * MiB, hugePages: false });
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

test('freed pages stay cached up to the limit, are wiped for the next owner, and go back beyond it', () => {
  const heap = openEmbeddedHeap({ capacity: 64 * MiB, cached: 4 * MiB, hugePages: false });
  const use = (length: number): void => {
    const buffer = heap.allocate(length);
    buffer.accessSync('write', (bytes) => {
      assert.ok(bytes.every((byte) => byte === 0));
      bytes.fill(0xff);
    });
    buffer.close();
  };
  use(3 * MiB);
  assert.equal(heap.stats().cachedBytes, 3 * MiB);
  use(3 * MiB);
  assert.equal(heap.stats().cachedBytes, 3 * MiB);
  assert.equal(heap.stats().committedBytes, 3 * MiB);
  use(16 * MiB);
  assert.ok(heap.stats().cachedBytes <= 4 * MiB);
  assert.equal(heap.stats().committedBytes, heap.stats().cachedBytes);
  heap.close();
});

test('ArenaPages sees writes of windows, and windows see its writes', () => {
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
  // A page that was written directly, or while free, is zero for the next owner.
  for (const block of heap.arena.freeBlocks()) heap.arena.write(block.pfn, new Uint8Array([7]));
  const next = heap.allocate(32 * MiB);
  next.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 0)));
  next.close();
  heap.close();
});

test('openEmbeddedHeap() refuses invalid options', () => {
  for (const capacity of [0, -1, 1.5, 2 ** 52]) assert.throws(() => openEmbeddedHeap({ capacity }), RangeError);
  assert.throws(() => openEmbeddedHeap({ orders: [4, 8, 0] }), RangeError);
  for (const trackAllocations of [1, 'true', null])
    assert.throws(() => openEmbeddedHeap({ trackAllocations: trackAllocations as never }), TypeError);
  assert.throws(() => openEmbeddedHeap({ cached: -1 }), RangeError);
  assert.throws(() => openEmbeddedHeap({ size: MiB } as never), /'size' is not one of the options/u);
  assert.throws(() => openEmbeddedHeap({ fragmentation: { mix: 'F' as OrderMixName, length: MiB } }), TypeError);
  assert.throws(() => openEmbeddedHeap({ fragmentation: { mix: 'fresh', length: 0 } }), RangeError);
});

test('openEmbeddedHeap() takes orders whose chunks one entry can hold, and refuses larger ones', () => {
  const heap = openEmbeddedHeap({ capacity: 4 * GiB, orders: [19, 0] });
  assert.equal(heap.stats().freeBlockCounts.length, 21);
  heap.close();
  // 2^20 pages of 4 KiB are 4 GiB, which no unsigned int holds.
  for (const order of [20, 29, 30]) {
    assert.throws(() => openEmbeddedHeap({ capacity: 4 * GiB, orders: [order, 0] }), {
      name: 'RangeError',
      message: /'orders\[0\]' must be a whole number from 0 to 19/u,
    });
  }
});

test('ArenaPages.write into a living buffer is kept when cached pages are given back', (t) => {
  const root = temporaryTree(t, { 'proc/meminfo': 'MemAvailable: 65536 kB\n', 'proc/self/maps': '' });
  const heap = openEmbeddedHeap({ capacity: 512 * MiB, cached: 8 * MiB }, otherMachine({ root }));
  const cached = heap.allocate(MiB);
  cached.accessSync('write', (bytes) => bytes.fill(1));
  const buffer = heap.allocate(MiB);
  cached.close();
  const layout = buffer.layout();
  assert.ok(layout.known);
  const { pfn } = layout.table.entry(0);
  const view = buffer.vmap();
  view.bytes[9] = 43;
  heap.arena.write(pfn, new Uint8Array([42]));
  assert.equal(heap.stats().cachedBytes, MiB);
  assert.throws(() => heap.allocate(256 * MiB), /MemAvailable leaves room for 64 MiB/u);
  assert.equal(heap.stats().cachedBytes, 0);
  assert.deepEqual([view.bytes[0], view.bytes[9]], [42, 43]);
  view.close();
  buffer.close();
  heap.close();
});

test('a page written through ArenaPages is zero for the next owner, even if its buffer was never mapped', () => {
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

test('writes into the arrays of a table do not change the memory', () => {
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

test('exportFd() of a buffer in the arena names the option that allows it', () => {
  const heap = openEmbeddedHeap({ capacity: MiB });
  const buffer = heap.allocate(1);
  assert.throws(() => buffer.exportFd(), /allocate it with \{ shareable: true \}/u);
  buffer.close();
  heap.close();
});

function dropTrackedBuffer(heap: Heap): void {
  heap.allocate(MiB, { name: 'tracked' });
}

test('the warning about a buffer collected unclosed tells where it was allocated, on request', async (context) => {
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
  const nothing = { fds: [], mappingCount: 0 };
  assert.ok(await collectGarbageUntil(() => isDeepStrictEqual(heldMemory(), nothing)));
  dropHeap();
  assert.ok(heldMemory().fds.length > 0);
  assert.ok(await collectGarbageUntil(() => isDeepStrictEqual(heldMemory(), nothing)));
});
