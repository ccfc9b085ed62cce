/**
 * The page allocator: binary buddies over the page frames 0 to pageCount - 1, as in the kernel
 * (mm/page_alloc.c: __rmqueue_smallest, expand, __free_one_page). Zones, migrate types and per-CPU
 * lists are left out.
 */

import { assert } from '../base/assert.ts';
import { ORDER_MAX, TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import type { Order, PageCount, Pfn } from '../base/quantities.ts';

/** The largest `orderMax`: 2^30 pages are the largest block below {@link TABLE_PAGE_COUNT_MAX}. */
export const ORDER_MAX_LIMIT = 30;

/**
 * The state of a page: nothing (it lies inside a block), a free block, or an allocated one; the
 * order is added.
 */
const NO_BLOCK = 0;
const FREE = 0x40;
const ALLOCATED = 0x80;

/** 2^order contiguous pages that begin at `pfn`, a multiple of 2^order. */
export interface PageBlock {
  /** Its first page's frame number. */
  readonly pfn: Pfn;
  /** It has 2^order pages. */
  readonly order: Order;
}

/**
 * Hands out blocks of 2^order pages and takes them back, in O(orderMax) steps and without
 * allocating in JavaScript. A block comes from the smallest order that has a free one, lowest half
 * first. Within an order, the block freed last comes first, because its pages are cached.
 *
 * Arrays of zeros mean that the whole range is free, so pages never handed out cost no memory.
 */
export class BuddyAllocator {
  /** The number of pages in the range, free or not. */
  readonly pageCount: PageCount;
  /** The largest order: blocks do not merge beyond it. */
  readonly orderMax: Order;

  /** By pfn. */
  readonly #blocks: Uint8Array;
  /**
   * The next and the previous free block of the same order, as pfn + 1; 0 ends the list. One record
   * per pair of pages: with an `orderMax` above 0 two buddies are never both free, so at most one
   * free block begins in a pair.
   */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** By order: the first free block, as pfn + 1. */
  readonly #first: Int32Array;
  /** By order: how many blocks are in the list. */
  readonly #counts: Int32Array;
  /**
   * Free blocks of `orderMax` from here to `#uncutEnd` were never in a list. They count as the end
   * of that list.
   */
  #uncut = 0;
  readonly #uncutEnd: number;
  #freePageCount: number;

  /**
   * The whole range is free at first.
   *
   * @param range.pageCount from 1 to 2^31 - 1; need not be a power of two
   * @param range.orderMax from 1 to {@link ORDER_MAX_LIMIT}; the kernel's 10 unless given
   */
  constructor(range: { pageCount: PageCount; orderMax?: Order }) {
    const { pageCount, orderMax = ORDER_MAX } = range;
    assert(
      pageCount >= 1 && pageCount <= TABLE_PAGE_COUNT_MAX,
      () => `${pageCount} pages are no range to allocate from`,
    );
    assert(orderMax >= 1 && orderMax <= ORDER_MAX_LIMIT, () => `${orderMax} is no largest order`);
    this.pageCount = pageCount;
    this.orderMax = orderMax;
    this.#freePageCount = pageCount;
    this.#blocks = new Uint8Array(pageCount);
    this.#next = new Int32Array(Math.ceil(pageCount / 2));
    this.#previous = new Int32Array(Math.ceil(pageCount / 2));
    this.#first = new Int32Array(orderMax + 1);
    this.#counts = new Int32Array(orderMax + 1);
    let end = pageCount - (pageCount % 2 ** orderMax);
    this.#uncutEnd = end;
    for (let order = orderMax - 1; order >= 0; order -= 1) {
      if ((pageCount & (1 << order)) === 0) continue;
      this.#link(end, order);
      end += 1 << order;
    }
  }

  get freePageCount(): PageCount {
    return this.#freePageCount as PageCount;
  }

  /**
   * How many free blocks there are of each order from 0 to `orderMax`: a line of /proc/buddyinfo.
   */
  freeCounts(): number[] {
    const counts = Array.from(this.#counts);
    counts[this.orderMax] =
      (this.#counts[this.orderMax] as number) + (this.#uncutEnd - this.#uncut) / 2 ** this.orderMax;
    return counts;
  }

  /**
   * Every free block: by order from 0, within an order as they would be handed out. Invalid after a
   * change.
   */
  *freeBlocks(): Generator<PageBlock, undefined> {
    for (let order = 0; order <= this.orderMax; order += 1) {
      for (let link = this.#first[order] as number; link !== 0; link = this.#next[(link - 1) >> 1] as number) {
        yield { pfn: (link - 1) as Pfn, order: order as Order };
      }
    }
    for (let pfn = this.#uncut; pfn < this.#uncutEnd; pfn += 2 ** this.orderMax) {
      yield { pfn: pfn as Pfn, order: this.orderMax };
    }
  }

  /**
   * The first page of a block of 2^order pages, now allocated; `undefined` when no free block is
   * large enough.
   */
  allocate(order: Order): Pfn | undefined {
    assert(order >= 0 && order <= this.orderMax, () => `An order is from 0 to ${this.orderMax} here, not ${order}`);
    let found: number = order;
    while (found <= this.orderMax && this.#first[found] === 0) found += 1;
    if (found > this.orderMax) {
      if (this.#uncut === this.#uncutEnd) return undefined;
      found = this.orderMax;
      this.#link(this.#uncut, found);
      this.#uncut += 2 ** found;
    }
    const pfn = (this.#first[found] as number) - 1;
    this.#unlink(pfn, found);
    while (found > order) {
      found -= 1;
      this.#link(pfn + (1 << found), found);
    }
    this.#blocks[pfn] = ALLOCATED + order;
    this.#freePageCount -= 1 << order;
    return pfn as Pfn;
  }

  /**
   * Makes two allocated blocks of an allocated one (mm/page_alloc.c, split_page): each is freed by
   * itself from now on.
   */
  split(pfn: Pfn, order: Order): void {
    assert(order >= 1 && this.#blocks[pfn] === ALLOCATED + order, () => this.#whyNotFreed(pfn, order));
    this.#blocks[pfn] = ALLOCATED + order - 1;
    this.#blocks[pfn + (1 << (order - 1))] = ALLOCATED + order - 1;
  }

  /**
   * Takes back a block, exactly as {@link allocate} handed it out, and merges it with its buddies.
   */
  free(pfn: Pfn, order: Order): void {
    assert(order >= 0 && order <= this.orderMax, () => `An order is from 0 to ${this.orderMax} here, not ${order}`);
    assert(this.#blocks[pfn] === ALLOCATED + order, () => this.#whyNotFreed(pfn, order));
    this.#blocks[pfn] = NO_BLOCK;
    this.#freePageCount += 1 << order;
    let first: number = pfn;
    let merged: number = order;
    while (merged < this.orderMax) {
      const buddy = first ^ (1 << merged);
      if (buddy >= this.pageCount || this.#blocks[buddy] !== FREE + merged) break;
      this.#unlink(buddy, merged);
      first &= buddy;
      merged += 1;
    }
    this.#link(first, merged);
  }

  #link(pfn: number, order: number): void {
    const next = this.#first[order] as number;
    this.#blocks[pfn] = FREE + order;
    this.#next[pfn >> 1] = next;
    this.#previous[pfn >> 1] = 0;
    if (next !== 0) this.#previous[(next - 1) >> 1] = pfn + 1;
    this.#first[order] = pfn + 1;
    this.#counts[order] = (this.#counts[order] as number) + 1;
  }

  #unlink(pfn: number, order: number): void {
    const next = this.#next[pfn >> 1] as number;
    const previous = this.#previous[pfn >> 1] as number;
    if (previous === 0) this.#first[order] = next;
    else this.#next[(previous - 1) >> 1] = next;
    if (next !== 0) this.#previous[(next - 1) >> 1] = previous;
    this.#counts[order] = (this.#counts[order] as number) - 1;
    this.#blocks[pfn] = NO_BLOCK;
  }

  #whyNotFreed(pfn: number, order: number): string {
    const block = this.#blocks[pfn] ?? NO_BLOCK;
    const found =
      block === NO_BLOCK
        ? 'no block begins there'
        : `${block >= ALLOCATED ? 'an allocated' : 'a free'} block of order ${block % FREE} begins there`;
    return `Only an allocated block can be freed, by its own order: page ${pfn} of order ${order}, but ${found}`;
  }
}
