import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';

import { GiB, MiB } from '../base/sizes.ts';
import { toOrder, toPageCount, toPfn } from '../base/quantities.ts';
import type { Order } from '../base/quantities.ts';
import { BuddyAllocator } from './buddy-allocator.ts';

const ORDER_0 = toOrder(0);
const ORDER_2 = toOrder(2);

function rangeOf(pageCount: number, orderMax?: number): BuddyAllocator {
  const pages = { pageCount: toPageCount(pageCount) };
  return new BuddyAllocator(orderMax === undefined ? pages : { ...pages, orderMax: toOrder(orderMax) });
}

function freeBlocksOf(allocator: BuddyAllocator): number[][] {
  return [...allocator.freeBlocks()].map(({ pfn, order }) => [pfn, order]);
}

function allocateAll(allocator: BuddyAllocator, order: Order): (number | undefined)[] {
  const pfns: (number | undefined)[] = [];
  for (let pfn = allocator.allocate(order); pfn !== undefined; pfn = allocator.allocate(order)) pfns.push(pfn);
  return pfns;
}

test('BuddyAllocator begins with the whole range free, in the largest blocks that fit', () => {
  const allocator = rangeOf(4096 + 512 + 4 + 1);
  assert.equal(allocator.pageCount, 4613);
  assert.equal(allocator.freePageCount, 4613);
  assert.equal(allocator.orderMax, 10);
  assert.deepEqual(allocator.freeCounts(), [1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 4]);
  assert.deepEqual(freeBlocksOf(allocator), [
    [4612, 0],
    [4608, 2],
    [4096, 9],
    [0, 10],
    [1024, 10],
    [2048, 10],
    [3072, 10],
  ]);
});

test('BuddyAllocator takes a range of one page', () => {
  const allocator = rangeOf(1);
  assert.equal(allocator.allocate(toOrder(1)), undefined);
  assert.equal(allocator.allocate(ORDER_0), 0);
  assert.equal(allocator.allocate(ORDER_0), undefined);
  allocator.free(toPfn(0), ORDER_0);
  assert.deepEqual(freeBlocksOf(allocator), [[0, 0]]);
});

// The kernel refuses a single mapping larger than all memory, also one that is never touched.
const LARGEST_RANGE = totalmem() > 4 * GiB ? {} : { skip: 'Arrays of 4 GiB need a machine with more memory than that' };

test('BuddyAllocator takes a range of 2^31 - 1 pages, up to its last page', LARGEST_RANGE, () => {
  const allocator = rangeOf(2 ** 31 - 1);
  assert.deepEqual(allocator.freeCounts(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2097151]);
  assert.equal(allocator.allocate(ORDER_0), 2147483646);
  assert.equal(allocator.allocate(ORDER_0), 2147483644);
  assert.equal(allocator.freePageCount, 2147483645);
  allocator.free(toPfn(2147483646), ORDER_0);
  allocator.free(toPfn(2147483644), ORDER_0);
  assert.deepEqual(allocator.freeCounts(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2097151]);
});

test('BuddyAllocator commits no memory for pages that were never handed out', () => {
  const before = process.memoryUsage().rss;
  const allocator = rangeOf(2 ** 28);
  assert.equal(allocator.allocate(toOrder(8)), 0);
  // Its arrays have 1.25 GiB of address range.
  assert.ok(process.memoryUsage().rss - before < 64 * MiB);
  assert.equal(allocator.freePageCount, 2 ** 28 - 256);
});

test('BuddyAllocator.allocate splits the smallest block that is large enough, lower half first', () => {
  const allocator = rangeOf(64 + 8);
  assert.equal(allocator.allocate(ORDER_2), 64);
  assert.deepEqual(freeBlocksOf(allocator), [
    [68, 2],
    [0, 6],
  ]);
  assert.equal(allocator.allocate(toOrder(3)), 0);
  assert.deepEqual(freeBlocksOf(allocator), [
    [68, 2],
    [8, 3],
    [16, 4],
    [32, 5],
  ]);
});

test('BuddyAllocator.allocate hands out the pages freed last first', () => {
  const allocator = rangeOf(16);
  assert.deepEqual(allocateAll(allocator, ORDER_0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  for (const pfn of [5, 12, 2]) allocator.free(toPfn(pfn), ORDER_0);
  assert.deepEqual(allocateAll(allocator, ORDER_0), [2, 12, 5]);
});

test('BuddyAllocator.allocate answers undefined while every free block is too small', () => {
  const allocator = rangeOf(8);
  const pfns = allocateAll(allocator, ORDER_0);
  for (const pfn of pfns) if (pfn !== undefined && pfn % 2 === 0) allocator.free(toPfn(pfn), ORDER_0);
  assert.equal(allocator.freePageCount, 4);
  assert.equal(allocator.allocate(toOrder(1)), undefined);
  assert.deepEqual(allocator.freeCounts().slice(0, 4), [4, 0, 0, 0]);
});

test('BuddyAllocator.free merges buddies up to orderMax and no further', () => {
  const allocator = rangeOf(16, 2);
  allocateAll(allocator, ORDER_0);
  for (const pfn of [9, 8, 3, 0, 2, 1]) allocator.free(toPfn(pfn), ORDER_0);
  assert.deepEqual(freeBlocksOf(allocator), [
    [8, 1],
    [0, 2],
  ]);
  for (const pfn of [4, 5, 6, 7]) allocator.free(toPfn(pfn), ORDER_0);
  assert.deepEqual(freeBlocksOf(allocator), [
    [8, 1],
    [4, 2],
    [0, 2],
  ]);
});

test('BuddyAllocator.free does not merge neighbours that are not buddies', () => {
  const allocator = rangeOf(8);
  allocateAll(allocator, ORDER_0);
  for (const pfn of [1, 2]) allocator.free(toPfn(pfn), ORDER_0);
  assert.deepEqual(allocator.freeCounts().slice(0, 3), [2, 0, 0]);
});

test('BuddyAllocator.free does not merge over the end of a range that is no power of two', () => {
  const allocator = rangeOf(5);
  assert.deepEqual(allocateAll(allocator, ORDER_0), [4, 0, 1, 2, 3]);
  for (const pfn of [4, 0, 1, 2, 3]) allocator.free(toPfn(pfn), ORDER_0);
  assert.deepEqual(freeBlocksOf(allocator), [
    [4, 0],
    [0, 2],
  ]);
});

test('BuddyAllocator.free takes a block out of the middle of its list when it merges', () => {
  const allocator = rangeOf(16);
  allocateAll(allocator, ORDER_0);
  for (const pfn of [0, 4, 8, 5]) allocator.free(toPfn(pfn), ORDER_0);
  assert.deepEqual(freeBlocksOf(allocator), [
    [8, 0],
    [0, 0],
    [4, 1],
  ]);
});

test('BuddyAllocator.free refuses a block that allocate did not hand out, and changes nothing', () => {
  const allocator = rangeOf(64);
  const pfn = allocator.allocate(ORDER_2);
  assert.equal(pfn, 0);
  const wrong: [name: string, pfn: number, order: number][] = [
    ['a smaller order', 0, 1],
    ['a larger order', 0, 3],
    ['an order beyond orderMax', 0, 11],
    ['a negative order', 0, -126],
    ['a page inside the block', 2, 1],
    ['a misaligned page', 1, 2],
    ['a free block', 4, 2],
    ['the page after the range', 64, 2],
    ['a page far outside', 2 ** 40, 2],
    ['half a page', 0.5, 2],
  ];
  for (const [name, first, order] of wrong) {
    // Only a caller that bypasses the types can pass these.
    const free = (): void => allocator.free(first as typeof pfn, order as Order);
    assert.throws(free, { name: 'InvariantError' }, name);
  }
  assert.equal(allocator.freePageCount, 60);
  allocator.free(pfn, ORDER_2);
  assert.throws(() => allocator.free(pfn, ORDER_2), { name: 'InvariantError' });
});

test('BuddyAllocator.free says what it found instead', () => {
  const allocator = rangeOf(4);
  allocateAll(allocator, ORDER_0);
  const free = (pfn: number, order: number) => () => allocator.free(toPfn(pfn), toOrder(order));
  assert.throws(free(2, 1), {
    message:
      'Only an allocated block can be freed, by its own order: page 2 of order 1, ' +
      'but an allocated block of order 0 begins there',
  });
  free(1, 0)();
  assert.throws(free(1, 0), /but a free block of order 0 begins there$/u);
  free(0, 0)();
  assert.throws(free(1, 0), /but no block begins there$/u);
  assert.throws(free(4, 0), /but no block begins there$/u);
});

test('BuddyAllocator.allocate refuses orders that it does not keep', () => {
  const allocator = rangeOf(64, 5);
  for (const order of [-1, 6]) {
    assert.throws(() => allocator.allocate(order as Order), { name: 'InvariantError' });
  }
});

test('BuddyAllocator refuses ranges without pages or orders', () => {
  for (const [pageCount, orderMax] of [
    [0, 10],
    [2 ** 31, 10],
    [16, 0],
  ] as const) {
    assert.throws(() => rangeOf(pageCount, orderMax), { name: 'InvariantError' });
  }
});
