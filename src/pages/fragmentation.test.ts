import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toOrder, toPageCount } from '../base/quantities.ts';
import { allocateChunks } from './allocate-chunks.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { BuddyAllocator } from './buddy-allocator.ts';
import { freeChunks } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';
import { fragment } from './fragmentation.ts';
import { ORDER_MIX_NAMES } from './order-mixes.ts';
import type { OrderMixName } from './order-mixes.ts';
import { ORDER_TABLE_16K_PAGES, ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP } from './order-table.ts';
import type { OrderTable } from './order-table.ts';

const PAGES_2_GIB = 524_288;
const SEED = 20_260_406;

interface Wanted {
  readonly mix: OrderMixName;
  readonly pageCount: number;
  readonly orders?: OrderTable;
  readonly seed?: number;
}

/** Fragments a range, and takes the buffer that it is fragmented for. */
function fragmentedBuffer(allocator: BuddyAllocator, wanted: Wanted) {
  const { orders = ORDER_TABLE_SYSTEM_HEAP, seed = SEED, mix } = wanted;
  const pageCount = toPageCount(wanted.pageCount);
  const fragmentation = fragment(allocator, { mix, orders, seed, pageCount });
  const blocks = [...allocator.freeBlocks()];
  const chunks = allocateChunks(allocator, pageCount, orders);
  assert.ok(chunks !== undefined);
  assert.equal(allocator.freePageCount, 0);
  return { fragmentation, blocks, chunks };
}

function rangeOf(pageCount: number, orderMax = 10): BuddyAllocator {
  return new BuddyAllocator({ pageCount: toPageCount(pageCount), orderMax: toOrder(orderMax) });
}

/** `[4]x2 [0]x3`: two chunks of order 4 and, first met after them, three of order 0. */
function orderCountsOf(chunks: ChunkList): string {
  const counts = new Map<number, number>();
  for (const order of chunks.orders) counts.set(order, (counts.get(order) ?? 0) + 1);
  return [...counts].map(([order, count]) => `[${order}]x${count}`).join(' ');
}

function adjacentCountOf(blocks: readonly { pfn: number; order: number }[]): number {
  const ascending = blocks.toSorted((a, b) => a.pfn - b.pfn);
  return ascending.filter(({ pfn, order }, index) => pfn + 2 ** order === ascending[index + 1]?.pfn).length;
}

function blocksOfChunks(chunks: ChunkList): { pfn: number; order: number }[] {
  return Array.from(chunks.pfns, (pfn, index) => ({ pfn, order: chunks.orders[index] ?? Number.NaN }));
}

test('fragment makes 2 GiB come out in each mix, every chunk a run of its own', () => {
  const expected: [mix: OrderMixName, orders: OrderTable, counts: string][] = [
    ['huge', ORDER_TABLE_SMMU_V3, '[9]x1024'],
    ['fresh', ORDER_TABLE_SYSTEM_HEAP, '[8]x2048'],
    ['aged', ORDER_TABLE_SYSTEM_HEAP, '[8]x1228 [4]x9843 [0]x52432'],
    ['aged', ORDER_TABLE_SMMU_V3, '[9]x614 [4]x9843 [0]x52432'],
    ['fragmented', ORDER_TABLE_SYSTEM_HEAP, '[4]x19660 [0]x209728'],
    ['single-pages', ORDER_TABLE_SYSTEM_HEAP, '[0]x524288'],
  ];
  for (const [mix, orders, counts] of expected) {
    const { chunks } = fragmentedBuffer(rangeOf(2 * PAGES_2_GIB), { mix, orders, pageCount: PAGES_2_GIB });
    assert.equal(orderCountsOf(chunks), counts, `${mix} of ${orders.join()}`);
    assert.equal(adjacentCountOf(blocksOfChunks(chunks)), 0, `${mix} of ${orders.join()}`);
  }
});

test('fragment lets the table decide the chunks of a mix with other orders', () => {
  const pairs = fragmentedBuffer(rangeOf(8192), { mix: 'huge', pageCount: 2048 });
  assert.equal(orderCountsOf(pairs.chunks), '[8]x8');
  assert.equal(adjacentCountOf(pairs.blocks), 0);
  assert.equal(adjacentCountOf(blocksOfChunks(pairs.chunks)), 4);
  const sixteens = fragmentedBuffer(rangeOf(8192), { mix: 'fresh', orders: ORDER_TABLE_SMMU_V3, pageCount: 2048 });
  assert.equal(orderCountsOf(sixteens.chunks), '[4]x128');
  assert.equal(adjacentCountOf(sixteens.blocks), 0);
});

test('fragment takes the orders of a table above the usual orderMax', () => {
  const wanted = { mix: 'aged', orders: ORDER_TABLE_16K_PAGES, pageCount: 8192 } as const;
  const { chunks } = fragmentedBuffer(rangeOf(32_768, 12), wanted);
  assert.equal(orderCountsOf(chunks), '[11]x2 [7]x25 [0]x896');
  assert.equal(adjacentCountOf(blocksOfChunks(chunks)), 0);
});

test('fragment holds all but the buffer, and its release gives back the range as it was', () => {
  for (const mix of ['huge', 'fresh', 'aged', 'fragmented', 'single-pages'] as const) {
    const allocator = rangeOf(9001);
    const { fragmentation, chunks } = fragmentedBuffer(allocator, { mix, pageCount: 3001 });
    assert.equal(fragmentation.heldPageCount, 6000, mix);
    fragmentation.release();
    assert.equal(fragmentation.heldPageCount, 0, mix);
    assert.equal(allocator.freePageCount, 6000, mix);
    fragmentation.release();
    freeChunks(allocator, chunks);
    assert.deepEqual(allocator.freeCounts(), [1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 8], mix);
  }
});

test('fragment gives the buffer again, in the same mix, after it was freed', () => {
  const allocator = rangeOf(8192);
  const { chunks } = fragmentedBuffer(allocator, { mix: 'aged', pageCount: 4000 });
  freeChunks(allocator, chunks);
  const again = allocateChunks(allocator, toPageCount(4000), ORDER_TABLE_SYSTEM_HEAP);
  assert.deepEqual(again, chunks);
});

test('fragment scatters by its seed, and only by it', () => {
  const pfnsOf = (seed: number): number[] => [
    ...fragmentedBuffer(rangeOf(8192), { mix: 'fragmented', pageCount: 4000, seed }).chunks.pfns,
  ];
  const pfns = pfnsOf(1);
  assert.deepEqual(pfnsOf(1), pfns);
  assert.notDeepEqual(pfnsOf(2), pfns);
  const ascents = pfns.filter((pfn, index) => pfn > (pfns[index - 1] ?? Number.POSITIVE_INFINITY)).length;
  assert.ok(ascents > pfns.length * 0.4 && ascents < pfns.length * 0.6, `${ascents} of ${pfns.length} ascend`);
});

test('fragment works around pages that are in use', () => {
  const allocator = rangeOf(8192);
  const used = allocateChunks(allocator, toPageCount(777), ORDER_TABLE_SYSTEM_HEAP);
  assert.ok(used !== undefined);
  const { chunks, fragmentation } = fragmentedBuffer(allocator, { mix: 'aged', pageCount: 3000 });
  assert.equal(fragmentation.heldPageCount, 8192 - 777 - 3000);
  assert.equal(adjacentCountOf(blocksOfChunks(chunks)), 0);
});

test('fragment leaves the blocks of the mix, each alone, on ranges of any size and use', () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const random = new SeededRandom(seed);
    const allocator = rangeOf(3000 + random.below(3000), 10 + random.below(3));
    const used = allocateChunks(allocator, toPageCount(1 + random.below(200)), ORDER_TABLE_SYSTEM_HEAP);
    assert.ok(used !== undefined);
    const freeCounts = allocator.freeCounts();
    const pageCount = toPageCount(1 + random.below(1000));
    const mix = ORDER_MIX_NAMES[random.below(5)] ?? 'huge';
    const fragmentation = fragment(allocator, { mix, orders: ORDER_TABLE_SMMU_V3, pageCount, seed });
    const blocks = [...allocator.freeBlocks()];
    const freePageCount = blocks.reduce((sum, { order }) => sum + 2 ** order, 0);
    assert.equal(freePageCount, pageCount, `seed ${seed}`);
    assert.equal(adjacentCountOf(blocks), 0, `seed ${seed}`);
    fragmentation.release();
    assert.deepEqual(allocator.freeCounts(), freeCounts, `seed ${seed}`);
  }
});

test('fragment takes a range of exactly twice the buffer, and refuses one with a page less', () => {
  fragmentedBuffer(rangeOf(2048), { mix: 'single-pages', pageCount: 1024 });
  const allocator = rangeOf(2047);
  assert.throws(() => fragmentedBuffer(allocator, { mix: 'single-pages', pageCount: 1024 }), {
    name: 'RangeError',
    message:
      "Cannot fragment a range for a buffer of 1024 pages: 'allocator' must have a free block of twice its size " +
      'for each chunk, received 2047 free pages, too few of them in blocks of order 1 and above',
  });
  assert.deepEqual(allocator.freeCounts(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test('fragment refuses a range whose free blocks are too small for the mix', () => {
  const allocator = rangeOf(8192, 9);
  fragmentedBuffer(allocator, { mix: 'fresh', pageCount: 2048 }).fragmentation.release();
  assert.throws(() => fragmentedBuffer(allocator, { mix: 'huge', pageCount: 512 }), {
    name: 'RangeError',
    message: "Cannot fragment a range for a buffer of 512 pages: 'allocator.orderMax' must be above 9, received 9",
  });
  assert.throws(() => fragmentedBuffer(allocator, { mix: 'fresh', pageCount: 3328 }), RangeError);
  assert.equal(allocator.freePageCount, 6144);
});

test('Fragmentation is disposed of by its release', () => {
  const allocator = rangeOf(64);
  {
    using fragmentation = fragment(allocator, {
      mix: 'single-pages',
      orders: ORDER_TABLE_SYSTEM_HEAP,
      seed: SEED,
      pageCount: toPageCount(8),
    });
    assert.equal(fragmentation.heldPageCount, 56);
  }
  assert.equal(allocator.freePageCount, 64);
});
