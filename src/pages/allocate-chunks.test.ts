import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toOrder, toPageCount, toPfn } from '../base/quantities.ts';
import type { Order, Pfn } from '../base/quantities.ts';
import { allocateChunks } from './allocate-chunks.ts';
import { BuddyAllocator } from './buddy-allocator.ts';
import { freeChunks } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';
import { ORDER_TABLE_16K_PAGES, ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP } from './order-table.ts';
import type { OrderTable } from './order-table.ts';

/** 4 KiB pages in 1 MiB. */
const PAGES_PER_MIB = 256;
const PAGES_2_GIB = 524_288;

function rangeOf(pageCount: number): BuddyAllocator {
  return new BuddyAllocator({ pageCount: toPageCount(pageCount) });
}

function allocate(
  allocator: BuddyAllocator,
  pageCount: number,
  orders: OrderTable = ORDER_TABLE_SYSTEM_HEAP,
): ChunkList {
  const chunks = allocateChunks(allocator, toPageCount(pageCount), orders);
  assert.ok(chunks !== undefined);
  assert.equal(chunks.pfns.length, chunks.count);
  assert.equal(chunks.orders.length, chunks.count);
  return chunks;
}

/** `[8]x1 [4]x2`: a chunk of order 8, then two of order 4. */
function orderRunsOf(chunks: ChunkList): string {
  const runs: { order: number; count: number }[] = [];
  for (const order of chunks.orders) {
    const last = runs.at(-1);
    if (last?.order === order) last.count += 1;
    else runs.push({ order, count: 1 });
  }
  return runs.map(({ order, count }) => `[${order}]x${count}`).join(' ');
}

/** An allocator in which only the given blocks are free. */
function onlyFree(pageCount: number, blocks: readonly { pfn: number; order: number }[]): BuddyAllocator {
  const allocator = rangeOf(pageCount);
  while (allocator.allocate(toOrder(0)) !== undefined);
  for (const { pfn, order } of blocks) {
    for (let page = pfn; page < pfn + 2 ** order; page += 1) allocator.free(toPfn(page), toOrder(0));
  }
  return allocator;
}

test('allocateChunks gives the entries that the system heap gives, while every order can be had', () => {
  const expected: [pageCount: number, runs: string][] = [
    [1, '[0]x1'],
    [15, '[0]x15'],
    [16, '[4]x1'],
    [PAGES_PER_MIB - 1, '[4]x15 [0]x15'],
    [PAGES_PER_MIB, '[8]x1'],
    [PAGES_PER_MIB + 16 + 1, '[8]x1 [4]x1 [0]x1'],
    [PAGES_2_GIB, '[8]x2048'],
  ];
  for (const [pageCount, runs] of expected) {
    assert.equal(orderRunsOf(allocate(rangeOf(PAGES_2_GIB), pageCount)), runs, `${pageCount} pages`);
  }
});

test('allocateChunks uses the given table', () => {
  const smmu = allocate(rangeOf(PAGES_2_GIB), PAGES_2_GIB - 1, ORDER_TABLE_SMMU_V3);
  assert.equal(orderRunsOf(smmu), '[9]x1023 [4]x31 [0]x15');
  const allocator = new BuddyAllocator({ pageCount: toPageCount(8192), orderMax: toOrder(11) });
  const largePages = allocate(allocator, 4096 + 128 + 3, ORDER_TABLE_16K_PAGES);
  assert.equal(orderRunsOf(largePages), '[11]x2 [7]x1 [0]x3');
});

test('allocateChunks lists chunks in the order of their allocation and does not merge adjacent ones', () => {
  const chunks = allocate(rangeOf(4096), 3 * PAGES_PER_MIB);
  assert.deepEqual([...chunks.pfns], [0, 256, 512]);
  assert.deepEqual([...chunks.orders], [8, 8, 8]);
});

test('allocateChunks falls to the next order within a step when an order runs out', () => {
  const allocator = onlyFree(2048, [
    { pfn: 512, order: 8 },
    { pfn: 1056, order: 4 },
    { pfn: 1600, order: 5 },
  ]);
  const chunks = allocate(allocator, PAGES_PER_MIB + 48);
  assert.equal(orderRunsOf(chunks), '[8]x1 [4]x3');
  assert.equal(chunks.pfns[0], 512);
  assert.equal(chunks.pfns[1], 1056);
});

test('allocateChunks takes order 0 when nothing larger is left together', () => {
  const pages = Array.from({ length: 32 }, (_, index) => ({ pfn: 2 * index, order: 0 }));
  assert.equal(orderRunsOf(allocate(onlyFree(64, pages), 32)), '[0]x32');
});

test('allocateChunks takes single pages of blocks that are smaller than the order before 0', () => {
  const allocator = onlyFree(1024, [
    { pfn: 0, order: 5 },
    { pfn: 64, order: 4 },
    { pfn: 96, order: 3 },
    { pfn: 128, order: 3 },
  ]);
  assert.equal(orderRunsOf(allocate(allocator, 64)), '[4]x3 [0]x16');
});

test('allocateChunks never goes back up to an order that was refused once', () => {
  class RefusesOnce extends BuddyAllocator {
    #refused = false;

    override allocate(order: Order): Pfn | undefined {
      if (order !== 8 || this.#refused) return super.allocate(order);
      this.#refused = true;
      return undefined;
    }
  }
  const chunks = allocate(new RefusesOnce({ pageCount: toPageCount(4096) }), 3 * PAGES_PER_MIB + 1);
  assert.equal(orderRunsOf(chunks), '[4]x48 [0]x1');
});

test('allocateChunks leaves the allocator as it was when the pages do not suffice', () => {
  const allocator = rangeOf(1000);
  const held = allocate(allocator, 37);
  const blocksBefore = [...allocator.freeBlocks()];
  assert.equal(allocateChunks(allocator, toPageCount(964), ORDER_TABLE_SYSTEM_HEAP), undefined);
  assert.deepEqual([...allocator.freeBlocks()], blocksBefore);
  const rest = allocate(allocator, 963);
  assert.equal(allocator.freePageCount, 0);
  freeChunks(allocator, rest);
  freeChunks(allocator, held);
  assert.deepEqual(allocator.freeCounts(), [0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0]);
});

test('allocateChunks takes 2 GiB apart into single pages when it must', () => {
  const chunks = allocate(rangeOf(PAGES_2_GIB), PAGES_2_GIB, [toOrder(0)] as unknown as OrderTable);
  assert.equal(chunks.count, 524_288);
  assert.equal(orderRunsOf(chunks), '[0]x524288');
  assert.equal(new Set(chunks.pfns).size, 524_288);
});

test('allocateChunks refuses a buffer without pages', () => {
  assert.throws(() => allocateChunks(rangeOf(1), toPageCount(0), ORDER_TABLE_SYSTEM_HEAP), { name: 'InvariantError' });
});

/** With a preferred order, as `[first page, order]`. */
function blocksPreferring(
  allocator: BuddyAllocator,
  pageCount: number,
  preferred: number,
  orders: OrderTable,
): unknown {
  const chunks = allocateChunks(allocator, toPageCount(pageCount), orders, toOrder(preferred));
  assert.ok(chunks !== undefined);
  return Array.from(chunks.pfns, (pfn, index) => [pfn, chunks.orders[index]]);
}

test('allocateChunks() takes whole blocks of the preferred order first, and cuts them into chunks of the table', () => {
  // Without a preference, the two blocks of order 8 would do.
  const blocks = [
    { pfn: 0, order: 8 },
    { pfn: 512, order: 9 },
    { pfn: 1280, order: 8 },
  ];
  const taken = blocksPreferring(onlyFree(1536, blocks), 512, 9, ORDER_TABLE_SYSTEM_HEAP);
  assert.deepEqual(taken, [
    [512, 8],
    [768, 8],
  ]);
  const more = blocksPreferring(onlyFree(1536, blocks), 769, 9, ORDER_TABLE_SYSTEM_HEAP) as [number, number][];
  assert.deepEqual(more.slice(0, 2), [
    [512, 8],
    [768, 8],
  ]);
  assert.deepEqual(
    more.slice(2).map(([, order]) => order),
    [8, 0],
  );
});

test('allocateChunks() with a preferred order of the table, or below it, gives as few chunks as without', () => {
  const taken = blocksPreferring(rangeOf(2048), 1024, 9, ORDER_TABLE_SMMU_V3);
  assert.deepEqual(taken, [
    [0, 9],
    [512, 9],
  ]);
  assert.deepEqual(blocksPreferring(rangeOf(2048), 272, 4, ORDER_TABLE_SYSTEM_HEAP), [
    [0, 8],
    [256, 4],
  ]);
});

test('allocateChunks() makes chunks of cut-up blocks that are freed like any other', () => {
  const allocator = rangeOf(4096);
  const before = allocator.freeCounts();
  const chunks = allocateChunks(allocator, toPageCount(1027), ORDER_TABLE_SYSTEM_HEAP, toOrder(9));
  assert.ok(chunks !== undefined);
  assert.equal(orderRunsOf(chunks), '[8]x4 [0]x3');
  freeChunks(allocator, chunks);
  assert.deepEqual(allocator.freeCounts(), before);
});
