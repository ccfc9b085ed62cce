import { inspect } from 'node:util';

import { assert } from '../base/assert.ts';
import { checkInteger, checkOneOf, checkOptions } from '../base/check.ts';
import { PAGE_SIZE_DEFAULT, PAGE_SIZES, PFN_MAX } from '../base/limits.ts';
import type { ByteLength, PageCount, Pfn } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { addSegments, checkPfns, checkSegmentRules, mergeIntoLast } from './from-pages.ts';
import type { FromPagesOptions } from './from-pages.ts';
import { narrowPfns, SgColumnsBuilder, sumColumns } from './sg-columns.ts';
import type { SgColumns, SgTotals } from './sg-columns.ts';
import { entryBytesMax } from './sg-entry.ts';
import type { SgEntry, SgEntryLike } from './sg-entry.ts';
import { SgRuns } from './sg-runs.ts';

/** Options of {@link SgTable.fromEntries}. */
export interface SgTableOptions {
  /** Bytes of a page: 4096 (the default), 16384 or 65536. */
  readonly pageSize?: number;
}

function checkPageSize(pageSize: number | undefined): ByteLength {
  return checkOneOf(pageSize ?? PAGE_SIZE_DEFAULT, 'set pageSize', PAGE_SIZES) as ByteLength;
}

/**
 * A scatter-gather table: the physically contiguous pieces of a buffer, in buffer order. Immutable.
 *
 * The words and rules are those of `struct sg_table` (include/linux/scatterlist.h, lib/scatterlist.c). A table has at
 * least one entry and describes at most 2^31 - 1 pages.
 */
export class SgTable {
  /** Bytes of a page. */
  readonly pageSize: ByteLength;
  readonly #columns: SgColumns;
  readonly #totals: SgTotals;
  #runs: SgRuns | undefined;

  private constructor(columns: SgColumns, pageSize: ByteLength) {
    this.pageSize = pageSize;
    this.#columns = columns;
    this.#totals = sumColumns(columns);
  }

  /**
   * A table of the given entries, kept as they are: neighbours are not merged, empty entries stay.
   *
   * @throws {TypeError} when a field is no number
   * @throws {RangeError} for no entries (the kernel's -EINVAL), a field out of range, an entry whose `offset + length`
   *   wraps in the kernel's `unsigned int` PAGE_ALIGN, or more than 2^31 - 1 pages
   */
  static fromEntries(entries: Iterable<SgEntryLike>, options: SgTableOptions = {}): SgTable {
    checkOptions(options, 'make an sg table from entries', ['pageSize']);
    const pageSize = checkPageSize(options.pageSize);
    if (typeof entries?.[Symbol.iterator] !== 'function') {
      throw new TypeError('Cannot make an sg table as its entries must be a list of { pfn, offset, length }');
    }
    const builder = new SgColumnsBuilder(pageSize);
    for (const entry of entries) builder.add(entry);
    if (builder.count === 0)
      throw new RangeError('Cannot make an sg table as it must have an entry: current value is 0');
    return new SgTable(builder.finish(), pageSize);
  }

  /**
   * A table of the given pages: pages that follow each other become one entry of at most `maxSegment` bytes, as
   * `sg_alloc_table_from_pages_segment()` does it.
   *
   * @param pfns the page frame numbers, in buffer order
   * @throws {TypeError} when a value is no number
   * @throws {RangeError} for no pages, a value out of range, `maxSegment` below a page (the kernel's -EINVAL), `offset`
   *   past the first segment or `size` short of the last one (both wrap in the kernel)
   */
  static fromPages(pfns: ArrayLike<number>, options: FromPagesOptions & SgTableOptions): SgTable {
    checkOptions(options, 'make an sg table from pages', ['offset', 'size', 'maxSegment', 'pageSize']);
    const pageSize = checkPageSize(options.pageSize);
    const rules = checkSegmentRules(options, pageSize);
    checkPfns(pfns);
    const builder = new SgColumnsBuilder(pageSize);
    addSegments(builder, pfns, rules);
    return new SgTable(builder.finish(), pageSize);
  }

  /**
   * A table of a heap's chunks, one entry each, never merged: chunk `i` is 2^orders[i] pages from pfns[i] on.
   *
   * @internal
   */
  static fromChunks(chunks: { pfns: ArrayLike<number>; orders: ArrayLike<number>; pageSize: ByteLength }): SgTable {
    const { pfns, orders, pageSize } = chunks;
    const count = pfns.length;
    assert(count > 0 && count === orders.length, 'Chunks must have a pfn and an order each');
    const orderMax = Math.floor(Math.log2(entryBytesMax(pageSize) / pageSize));
    const lengths = new Uint32Array(count);
    const pageCounts = new Uint32Array(count);
    for (let index = 0; index < count; index++) {
      const pfn = pfns[index] as number;
      const order = orders[index] as number;
      assert(order >= 0 && order <= orderMax, 'A chunk must fit an entry');
      const pages = 1 << order;
      assert(pfn >= 0 && pfn + pages <= PFN_MAX + 1, 'The pages of a chunk must have pfns');
      pageCounts[index] = pages;
      lengths[index] = pages * pageSize;
    }
    return new SgTable({ pfns: narrowPfns(pfns), offsets: new Uint32Array(count), lengths, pageCounts }, pageSize);
  }

  /**
   * A new table: this one, then the given pages. Leading pages that follow the last entry are merged into it while it
   * stays within `maxSegment`; the rest become entries as in {@link fromPages}. The rules of
   * `sg_alloc_append_table_from_pages()`, which does not count merged pages against `size`.
   *
   * @throws {TypeError} when a value is no number
   * @throws {RangeError} as {@link fromPages}, and when the last entry would outgrow the kernel's `unsigned int`
   */
  appendPages(pfns: ArrayLike<number>, options: Omit<FromPagesOptions, 'offset'>): SgTable {
    checkOptions(options, 'append pages to an sg table', ['size', 'maxSegment']);
    const rules = checkSegmentRules(options, this.pageSize);
    checkPfns(pfns);
    const builder = new SgColumnsBuilder(this.pageSize, this.#columns);
    const mergedCount = mergeIntoLast(builder, pfns, rules);
    addSegments(builder, pfns, rules, mergedCount);
    return new SgTable(builder.finish(), this.pageSize);
  }

  get entryCount(): number {
    return this.#columns.pfns.length;
  }

  /** The pages that the kernel's page iterator yields: per entry `offset + length` rounded up to pages. */
  get pageCount(): PageCount {
    return this.#totals.pageCount;
  }

  /** Bytes: the sum of the entries' lengths. */
  get length(): ByteLength {
    return this.#totals.length;
  }

  /** @internal The largest pfn of any page, -1 where there are no pages. */
  get pfnMax(): number {
    return this.#totals.pfnMax;
  }

  /** @internal Every entry has exactly one page. */
  get isOnePageEach(): boolean {
    return this.#totals.isOnePageEach;
  }

  /** @internal Read, never written. */
  get columns(): SgColumns {
    return this.#columns;
  }

  /**
   * Entry `index`, counted from 0.
   *
   * @throws {RangeError} when there is no such entry
   */
  entry(index: number): SgEntry {
    checkInteger(index, 'take an entry of the table', { min: 0, max: this.entryCount - 1 });
    return this.#entryAt(index);
  }

  /** The entries, in buffer order. */
  *entries(): Generator<SgEntry, void, undefined> {
    for (let index = 0; index < this.entryCount; index++) yield this.#entryAt(index);
  }

  /**
   * How many entries there are of each order, largest order first. An entry of 2^k pages is of order k; one of any other
   * number of pages counts under the next lower order, floor(log2(pages)), so 3 pages count as order 1; one without pages
   * is left out. Pages are counted as in `pageCount`; where an entry lies makes no difference.
   */
  orders(): Map<number, number> {
    const counts = new Uint32Array(32);
    for (const pages of this.#columns.pageCounts) {
      if (pages > 0) (counts[31 - Math.clz32(pages)] as number) += 1;
    }
    const orders = new Map<number, number>();
    for (let order = counts.length - 1; order >= 0; order--) {
      if (counts[order] !== 0) orders.set(order, counts[order] as number);
    }
    return orders;
  }

  /** The entries merged where they are physically contiguous, byte by byte. Computed once. */
  runs(): SgRuns {
    this.#runs ??= SgRuns.merge(this.#columns, this.pageSize);
    return this.#runs;
  }

  [inspect.custom](): string {
    return `SgTable { ${this.entryCount} entries, ${this.pageCount} pages, ${formatSize(this.length)} }`;
  }

  #entryAt(index: number): SgEntry {
    return {
      pfn: this.#columns.pfns[index] as Pfn,
      offset: this.#columns.offsets[index] as ByteLength,
      length: this.#columns.lengths[index] as ByteLength,
    };
  }
}
