import { outOfRange } from '../base/argument-error.ts';
import { assert } from '../base/assert.ts';
import { pagesOfOrder, toOrder, toPageCount } from '../base/quantities.ts';
import type { Order, PageCount, Pfn } from '../base/quantities.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { BuddyAllocator } from './buddy-allocator.ts';
import { ChunkListBuilder, freeChunks } from './chunk-list.ts';
import type { ChunkList } from './chunk-list.ts';
import { blockCountsOfMix, ORDER_MIXES } from './order-mixes.ts';
import type { BlockCount, OrderMixName } from './order-mixes.ts';
import type { OrderTable } from './order-table.ts';

/** The wanted state of a range, as the next buffer meets it. */
interface FragmentationOptions {
  /** The pages that stay free, in exactly the blocks of the mix. */
  readonly pageCount: PageCount;
  readonly mix: OrderMixName;
  /** The table of orders that the heap uses. */
  readonly orders: OrderTable;
  /** A whole number from 0 to 2^32 - 1: the same seed scatters the same way. */
  readonly seed: number;
}

/** Pages held so that what is free is fragmented. */
class Fragmentation {
  readonly #allocator: BuddyAllocator;
  #held: ChunkList | undefined;
  readonly #heldPageCount: PageCount;

  /** @internal {@link fragment} makes them. */
  constructor(allocator: BuddyAllocator, held: ChunkList) {
    this.#allocator = allocator;
    this.#held = held;
    this.#heldPageCount = toPageCount(held.orders.reduce((sum, order) => sum + 2 ** order, 0));
  }

  /** How many pages are held; 0 once released. */
  get heldPageCount(): PageCount {
    return this.#held === undefined ? toPageCount(0) : this.#heldPageCount;
  }

  /** Frees the held pages, which merge with their free buddies. Idempotent. */
  release(): void {
    if (this.#held !== undefined) freeChunks(this.#allocator, this.#held);
    this.#held = undefined;
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * Fragments what is free, so that {@link allocateChunks}, with the same table, makes a buffer of
 * `pageCount` pages in the wanted mix of orders, with its chunks in random order. No two free
 * blocks are adjacent, so every chunk is a run of its own.
 *
 * The table decides in the end: a table 8, 4, 0 turns order 9 (mix huge) into pairs of adjacent
 * chunks of order 8, and a table 9, 4, 0 turns order 8 (mix fresh) into 16 adjacent chunks of order
 * 4.
 *
 * @returns the held pages, until released
 * @throws {RangeError} when the free blocks do not hold every chunk and a buddy for it (twice the
 *   buffer), or the allocator's `orderMax` is not above the largest order of the mix; nothing is
 *   held then
 */
export function fragment(allocator: BuddyAllocator, options: FragmentationOptions): Fragmentation {
  assert(options.pageCount >= 1, () => `A buffer has at least one page, not ${options.pageCount}`);
  const blockCounts = blockCountsOfMix(ORDER_MIXES[options.mix], options.orders, options.pageCount);
  checkRoom(allocator, blockCounts, options.pageCount);
  const pairs = blockCounts.map((blocks) => ({ order: blocks.order, pfns: takePairs(allocator, blocks) }));
  const held = new ChunkListBuilder(blockCounts.reduce((sum, blocks) => sum + blocks.count, 0));
  holdEveryFreeBlock(allocator, held);
  for (const pair of pairs) holdUpperHalves(allocator, held, pair);
  const random = new SeededRandom(options.seed);
  for (const { order, pfns } of pairs) {
    random.shuffle(pfns);
    for (const pfn of pfns) allocator.free(pfn as Pfn, order);
  }
  assert(allocator.freePageCount === options.pageCount, 'What is not held is what the buffer needs');
  return new Fragmentation(allocator, held.toChunkList());
}

/** Pairs of buddies: the lower one stays free, the upper one is held. */
interface Pairs {
  readonly order: Order;
  /** The first page of each pair, and so of its lower buddy. */
  readonly pfns: Uint32Array;
}

/**
 * Pairs are taken largest first. So those of an order fit when the free blocks of larger orders,
 * less the larger pairs, hold them.
 */
function checkRoom(allocator: BuddyAllocator, blockCounts: readonly BlockCount[], pageCount: PageCount): void {
  const action = `fragment a range for a buffer of ${pageCount} pages`;
  const freeCounts = allocator.freeCounts();
  const orderLargest = blockCounts[0]?.order ?? toOrder(0);
  if (orderLargest >= allocator.orderMax) {
    throw outOfRange(
      { action, name: 'allocator.orderMax' },
      { must: `be above ${orderLargest}`, received: allocator.orderMax },
    );
  }
  let roomPageCount = 0;
  for (let order: number = allocator.orderMax; order > 0; order -= 1) {
    const pairCount = blockCounts.find((blocks) => blocks.order === order - 1)?.count ?? 0;
    roomPageCount += ((freeCounts[order] ?? 0) - pairCount) * 2 ** order;
    if (roomPageCount < 0) {
      throw outOfRange(
        { action, name: 'allocator' },
        {
          must: 'have a free block of twice its size for each chunk',
          received: allocator.freePageCount,
          shown: `${allocator.freePageCount} free pages, too few of them in blocks of order ${order} and above`,
        },
      );
    }
  }
}

function takePairs(allocator: BuddyAllocator, blocks: BlockCount): Uint32Array {
  const pfns = new Uint32Array(blocks.count);
  for (let index = 0; index < pfns.length; index += 1) {
    const pfn = allocator.allocate(toOrder(blocks.order + 1));
    assert(pfn !== undefined, 'Room for every pair was checked');
    pfns[index] = pfn;
  }
  return pfns;
}

function holdEveryFreeBlock(allocator: BuddyAllocator, held: ChunkListBuilder): void {
  for (let order: number = allocator.orderMax; order >= 0; order -= 1) {
    let pfn = allocator.allocate(toOrder(order));
    while (pfn !== undefined) {
      held.append(pfn, toOrder(order));
      pfn = allocator.allocate(toOrder(order));
    }
  }
}

/**
 * Splits each pair into two allocated blocks. While nothing else is free, the freed halves are
 * allocated next. Holding the upper half always keeps free blocks apart: only a larger free block
 * could precede one that starts at a multiple of twice its size, and the upper half of that larger
 * block is held.
 */
function holdUpperHalves(allocator: BuddyAllocator, held: ChunkListBuilder, pairs: Pairs): void {
  const pairOrder = toOrder(pairs.order + 1);
  const halfPageCount = pagesOfOrder(pairs.order);
  for (const pfn of pairs.pfns) {
    allocator.free(pfn as Pfn, pairOrder);
    const lower = allocator.allocate(pairs.order);
    const upper = allocator.allocate(pairs.order);
    assert(lower === pfn && upper === pfn + halfPageCount, 'Nothing but this pair was free');
    held.append(upper, pairs.order);
  }
}
