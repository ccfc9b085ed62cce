import { assert } from '../base/assert.ts';
import { pagesOfOrder } from '../base/quantities.ts';
import type { PageCount } from '../base/quantities.ts';
import type { BuddyAllocator } from './buddy-allocator.ts';
import { ChunkListBuilder } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';
import type { OrderTable } from './order-table.ts';

/**
 * Allocates `pageCount` pages as the system heap does (drivers/dma-buf/heaps/system_heap.c: system_heap_allocate,
 * alloc_largest_available): the largest order that fits what remains and can be had; once an order was passed over it is
 * not tried again, so that orders never rise along the list. One entry per chunk, also where two are adjacent.
 *
 * @returns the chunks; `undefined` when there are not enough free pages, and then the allocator is as it was
 */
export function allocateChunks(
  allocator: BuddyAllocator,
  pageCount: PageCount,
  orders: OrderTable,
): ChunkList | undefined {
  assert(pageCount >= 1, () => `A buffer has at least one page, not ${pageCount}`);
  // Order 0 ends every table, so free pages decide alone: nothing is taken that would have to be given back.
  if (allocator.freePageCount < pageCount) return undefined;
  const chunks = new ChunkListBuilder(chunkCountAtBest(pageCount, orders));
  let remaining: number = pageCount;
  for (const order of orders) {
    const chunkPageCount = pagesOfOrder(order);
    while (remaining >= chunkPageCount) {
      const pfn = allocator.allocate(order);
      if (pfn === undefined) break;
      chunks.append(pfn, order);
      remaining -= chunkPageCount;
    }
  }
  assert(remaining === 0, 'Free pages can be had at order 0');
  return chunks.toChunkList();
}

/** How many chunks it takes when every order can be had. */
function chunkCountAtBest(pageCount: PageCount, orders: OrderTable): number {
  let remaining: number = pageCount;
  let count = 0;
  for (const order of orders) {
    count += Math.floor(remaining / pagesOfOrder(order));
    remaining %= pagesOfOrder(order);
  }
  return count;
}
