import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toOrder, toPageCount, toPfn } from '../base/quantities.ts';
import { BuddyAllocator } from './buddy-allocator.ts';
import { ChunkListBuilder, freeChunks } from './chunk-list.ts';

test('ChunkListBuilder grows beyond what it expects, and hands out arrays of exactly what it holds', () => {
  const builder = new ChunkListBuilder(1);
  for (let pfn = 0; pfn < 5; pfn += 1) builder.append(toPfn(1000 + pfn), toOrder(pfn));
  assert.deepEqual(builder.toChunkList(), {
    count: 5,
    pfns: Uint32Array.of(1000, 1001, 1002, 1003, 1004),
    orders: Uint8Array.of(0, 1, 2, 3, 4),
  });
});

test('ChunkListBuilder holds the largest pfn of a range of 2^31 - 1 pages', () => {
  const builder = new ChunkListBuilder(1);
  builder.append(toPfn(2 ** 31 - 2), toOrder(30));
  assert.deepEqual(builder.toChunkList(), { count: 1, pfns: Uint32Array.of(2147483646), orders: Uint8Array.of(30) });
});

test('ChunkListBuilder hands out a list that does not share its memory', () => {
  const builder = new ChunkListBuilder(2);
  builder.append(toPfn(7), toOrder(0));
  const list = builder.toChunkList();
  builder.append(toPfn(8), toOrder(0));
  assert.deepEqual(list, { count: 1, pfns: Uint32Array.of(7), orders: Uint8Array.of(0) });
  assert.equal(list.pfns.buffer.byteLength, 4);
  assert.equal(list.orders.buffer.byteLength, 1);
});

test('freeChunks frees the last chunk first, so that the first is handed out first again', () => {
  const allocator = new BuddyAllocator({ pageCount: toPageCount(8) });
  while (allocator.allocate(toOrder(0)) !== undefined);
  freeChunks(allocator, { count: 3, pfns: Uint32Array.of(6, 0, 3), orders: Uint8Array.of(0, 0, 0) });
  assert.deepEqual(
    [allocator.allocate(toOrder(0)), allocator.allocate(toOrder(0)), allocator.allocate(toOrder(0))],
    [6, 0, 3],
  );
});
