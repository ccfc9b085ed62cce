import { assert } from '../base/assert.ts';
import { pagesOfOrder, toOrder, toPfn } from '../base/quantities.ts';
import type { PageCount } from '../base/quantities.ts';
import type { BuddyAllocator } from './buddy-allocator.ts';
import { ChunkListBuilder } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';

/**
 * Allocates `pageCount` pages that follow each other, as the CMA heap does
 * (drivers/dma-buf/heaps/cma_heap.c): the smallest block that holds them, whose surplus goes back
 * at once.
 *
 * @returns the pages as chunks of falling orders, each beginning where the one before ends;
 *   `undefined` when no free block is large enough, the allocator is unchanged then
 */
export function allocateContiguous(allocator: BuddyAllocator, pageCount: PageCount): ChunkList | undefined {
  assert(pageCount >= 1, () => `A buffer has at least one page, not ${pageCount}`);
  let order = toOrder(Math.ceil(Math.log2(pageCount)));
  if (order > allocator.orderMax) return undefined;
  const first = allocator.allocate(order);
  if (first === undefined) return undefined;
  const chunks = new ChunkListBuilder(order + 1);
  let pfn = first;
  let remaining: number = pageCount;
  while (remaining < pagesOfOrder(order)) {
    allocator.split(pfn, order);
    order = toOrder(order - 1);
    const half = toPfn(pfn + pagesOfOrder(order));
    if (remaining <= pagesOfOrder(order)) {
      allocator.free(half, order);
      continue;
    }
    chunks.append(pfn, order);
    remaining -= pagesOfOrder(order);
    pfn = half;
  }
  chunks.append(pfn, order);
  return chunks.toChunkList();
}
