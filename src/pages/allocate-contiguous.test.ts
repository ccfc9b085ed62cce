import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toOrder, toPageCount } from '../base/quantities.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { allocateContiguous } from './allocate-contiguous.ts';
import { BuddyAllocator } from './buddy-allocator.ts';
import { freeChunks } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';

test('allocateContiguous() takes exactly the pages asked for, in one range', () => {
  const allocator = new BuddyAllocator({ pageCount: toPageCount(64), orderMax: toOrder(6) });
  const chunks = allocateContiguous(allocator, toPageCount(13));
  assert.ok(chunks !== undefined);
  assert.deepEqual([...chunks.pfns], [0, 8, 12]);
  assert.deepEqual([...chunks.orders], [3, 2, 0]);
  assert.equal(allocator.freePageCount, 51);
  // What is left of 64 pages beyond the 13: 13 alone, 14 and 15, 16 to 31, 32 to 63.
  assert.deepEqual(allocator.freeCounts(), [1, 1, 0, 0, 1, 1, 0]);
  freeChunks(allocator, chunks);
  assert.deepEqual(allocator.freeCounts(), [0, 0, 0, 0, 0, 0, 1]);
});

test('allocateContiguous() refuses a length that no free block holds, and takes nothing then', () => {
  const allocator = new BuddyAllocator({ pageCount: toPageCount(64), orderMax: toOrder(6) });
  assert.equal(allocateContiguous(allocator, toPageCount(65)), undefined);
  const held = allocateContiguous(allocator, toPageCount(1));
  assert.ok(held !== undefined);
  assert.equal(allocateContiguous(allocator, toPageCount(33)), undefined);
  assert.equal(allocator.freePageCount, 63);
  assert.equal(allocateContiguous(allocator, toPageCount(32))?.pfns[0], 32);
});

test('allocateContiguous() never hands out a page twice, over 2,000 random steps', () => {
  const random = new SeededRandom(42);
  const allocator = new BuddyAllocator({ pageCount: toPageCount(1024), orderMax: toOrder(10) });
  const owners = new Int32Array(1024).fill(-1);
  const held = new Map<number, { chunks: ChunkList; pageCount: number }>();
  let refusedCount = 0;
  for (let step = 0; step < 2000; step += 1) {
    const [oldest] = held;
    if (oldest !== undefined && random.below(2) === 0) {
      freeChunks(allocator, oldest[1].chunks);
      const first = oldest[1].chunks.pfns[0] as number;
      for (let page = 0; page < oldest[1].pageCount; page += 1) owners[first + page] = -1;
      held.delete(oldest[0]);
      continue;
    }
    const pageCount = 1 + random.below(100);
    const chunks = allocateContiguous(allocator, toPageCount(pageCount));
    if (chunks === undefined) {
      refusedCount += 1;
      continue;
    }
    let expected = chunks.pfns[0] as number;
    for (const [index, pfn] of chunks.pfns.entries()) {
      assert.equal(pfn, expected);
      expected += 2 ** (chunks.orders[index] as number);
    }
    assert.equal(expected - (chunks.pfns[0] as number), pageCount);
    for (let page = chunks.pfns[0] as number; page < expected; page += 1) {
      assert.equal(owners[page], -1, `page ${page} has two owners at step ${step}`);
      owners[page] = step;
    }
    held.set(step, { chunks, pageCount });
    assert.equal(allocator.freePageCount, owners.filter((owner) => owner === -1).length);
  }
  assert.ok(refusedCount > 0);
});
