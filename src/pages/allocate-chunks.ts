import { assert } from '../base/assert.ts';
import { pagesOfOrder, toOrder, toPfn } from '../base/quantities.ts';
import type { Order, PageCount, Pfn } from '../base/quantities.ts';
import type { BuddyAllocator } from './buddy-allocator.ts';
import { ChunkListBuilder } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';
import type { OrderTable } from './order-table.ts';

/**
 * Allocates `pageCount` pages as the system heap does (drivers/dma-buf/heaps/system_heap.c:
 * system_heap_allocate, alloc_largest_available). It takes the largest order that fits the
 * remaining pages and is available. An order that was passed over is not tried again, so orders
 * never rise along the list. One entry per chunk, even where two chunks are adjacent.
 *
 * @param preferredOrder blocks of this order are taken whole while there are any, and cut into
 *   chunks of the next order of the table: whole huge pages. Without it, the smallest sufficient
 *   blocks are taken, and chunks are adjacent by chance only
 * @returns the chunks; `undefined` when there are not enough free pages, and then the allocator is
 *   as it was
 */
export function allocateChunks(
  allocator: BuddyAllocator,
  pageCount: PageCount,
  orders: OrderTable,
  preferredOrder?: Order,
): ChunkList | undefined {
  assert(pageCount >= 1, () => `A buffer has at least one page, not ${pageCount}`);
  // Order 0 ends every table, so the count of free pages decides alone: no partial allocation has
  // to be undone.
  if (allocator.freePageCount < pageCount) return undefined;
  const chunks = new ChunkListBuilder(chunkCountAtBest(pageCount, orders));
  let remaining: number = pageCount;
  for (const { blockOrder, chunkOrder } of stepsOf(orders, preferredOrder)) {
    const blockPageCount = pagesOfOrder(blockOrder);
    while (remaining >= blockPageCount) {
      const pfn = allocator.allocate(blockOrder);
      if (pfn === undefined) break;
      appendPieces({ allocator, chunks, chunkOrder }, pfn, blockOrder);
      remaining -= blockPageCount;
    }
  }
  assert(remaining === 0, 'Free pages can be had at order 0');
  return chunks.toChunkList();
}

/** Blocks of one order, and the order of the chunks cut from them. */
interface Step {
  readonly blockOrder: Order;
  readonly chunkOrder: Order;
}

function stepsOf(orders: OrderTable, preferredOrder: Order | undefined): Step[] {
  const steps = orders.map((order): Step => ({ blockOrder: order, chunkOrder: order }));
  const below = preferredOrder === undefined ? -1 : orders.findIndex((order) => order <= preferredOrder);
  const chunkOrder = orders[below];
  if (preferredOrder === undefined || chunkOrder === undefined || chunkOrder === preferredOrder) return steps;
  return steps.toSpliced(below, 0, { blockOrder: preferredOrder, chunkOrder });
}

/** Each chunk becomes a block of its own, and is freed by itself. */
function appendPieces(
  pieces: { allocator: BuddyAllocator; chunks: ChunkListBuilder; chunkOrder: Order },
  pfn: Pfn,
  order: Order,
): void {
  const { allocator, chunks, chunkOrder } = pieces;
  if (order === chunkOrder) {
    chunks.append(pfn, order);
    return;
  }
  allocator.split(pfn, order);
  const half = toOrder(order - 1);
  appendPieces(pieces, pfn, half);
  appendPieces(pieces, toPfn(pfn + pagesOfOrder(half)), half);
}

/** The number of chunks when every order is available. */
function chunkCountAtBest(pageCount: PageCount, orders: OrderTable): number {
  let remaining: number = pageCount;
  let count = 0;
  for (const order of orders) {
    count += Math.floor(remaining / pagesOfOrder(order));
    remaining %= pagesOfOrder(order);
  }
  return count;
}
