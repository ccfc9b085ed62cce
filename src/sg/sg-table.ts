import { inspect } from 'node:util';

import { assert } from '../base/assert.ts';
import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger, checkOneOf, readOptions } from '../base/check.ts';
import { PAGE_SIZE_DEFAULT, PAGE_SIZES, PFN_MAX } from '../base/limits.ts';
import type { ByteLength, PageCount, Pfn } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { addSegments, checkSegmentRules, mergeIntoLast, readPfns } from './from-pages.ts';
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

const MAKE = 'make an sg table';

function checkPageSize({ pageSize = PAGE_SIZE_DEFAULT }: SgTableOptions): ByteLength {
  return checkOneOf(pageSize, { action: MAKE, name: 'pageSize', allowed: PAGE_SIZES }) as ByteLength;
}

/** Private to this file: columns from elsewhere are unchecked. */
const OURS: unique symbol = Symbol('made by SgTable itself');

/**
 * A scatter-gather table: the physically contiguous pieces of a buffer, in buffer order. Immutable.
 *
 * The words and rules are those of `struct sg_table` (include/linux/scatterlist.h,
 * lib/scatterlist.c). A table has at least one entry and describes at most 2^31 - 1 pages.
 *
 * @example
 * ```ts
 * import { SgTable } from 'dmabuf/sg';
 *
 * const table = SgTable.fromEntries([
 *   { pfn: 256, offset: 0, length: 8192 },
 *   { pfn: 258, offset: 0, length: 4096 },
 * ]);
 * console.log(table.entryCount, table.pageCount, table.runs().count); // 2 3 1
 * ```
 */
export class SgTable {
  /** Bytes of a page. */
  readonly pageSize: ByteLength;
  readonly #columns: SgColumns;
  readonly #totals: SgTotals;
  #runs: SgRuns | undefined;

  private constructor(key: typeof OURS, columns: SgColumns, pageSize: ByteLength) {
    if (key !== OURS)
      throw wrongType(
        { action: MAKE, name: 'new' },
        { must: 'be SgTable.fromEntries() or SgTable.fromPages()', received: key },
      );
    this.pageSize = pageSize;
    this.#columns = columns;
    this.#totals = sumColumns(columns);
    // Walks write as many pages as it has, so it is frozen.
    Object.freeze(this);
  }

  /**
   * A table of the given entries, kept as they are: neighbours are not merged, empty entries stay.
   *
   * @throws {TypeError} when a field is not a number
   * @throws {RangeError} without entries (the kernel's -EINVAL), a field out of range, an entry
   *   whose `offset + length` wraps in the kernel's `unsigned int` PAGE_ALIGN, or more than 2^31 -
   *   1 pages
   */
  static fromEntries(entries: Iterable<SgEntryLike>, options: SgTableOptions = {}): SgTable {
    const plain = readOptions(options, MAKE, ['pageSize']);
    const pageSize = checkPageSize(plain);
    if (typeof entries?.[Symbol.iterator] !== 'function') {
      const must = 'be a list of { pfn, offset, length }';
      throw wrongType({ action: MAKE, name: 'entries' }, { must, received: entries });
    }
    const builder = new SgColumnsBuilder(pageSize);
    for (const entry of entries) builder.add(entry);
    if (builder.count === 0)
      throw outOfRange({ action: MAKE, name: 'entries' }, { must: 'have at least one entry', received: 0 });
    return new SgTable(OURS, builder.finish(), pageSize);
  }

  /**
   * A table of the given pages: pages that follow each other become one entry of at most
   * `maxSegment` bytes, as `sg_alloc_table_from_pages_segment()` does it.
   *
   * @param pfns the page frame numbers, in buffer order
   * @throws {TypeError} when a value is not a number
   * @throws {RangeError} without pages, a value out of range, `maxSegment` below a page (the
   *   kernel's -EINVAL), `offset` past the first segment or `size` short of the last one (both wrap
   *   in the kernel)
   */
  static fromPages(pfns: ArrayLike<number>, options: FromPagesOptions & SgTableOptions): SgTable {
    const plain = readOptions(options, MAKE, ['offset', 'size', 'maxSegment', 'pageSize']);
    const pageSize = checkPageSize(plain);
    const rules = checkSegmentRules(plain, pageSize);
    const builder = new SgColumnsBuilder(pageSize);
    addSegments(builder, readPfns(pfns), rules);
    return new SgTable(OURS, builder.finish(), pageSize);
  }

  /**
   * A table of a heap's chunks, one entry each, never merged: chunk `i` is 2^orders[i] pages from
   * pfns[i] on.
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
    const columns = { pfns: narrowPfns(pfns), offsets: new Uint32Array(count), lengths, pageCounts };
    return new SgTable(OURS, columns, pageSize);
  }

  /**
   * A new table: this one, then the given pages. Leading pages that follow the last entry are
   * merged into it while it stays within `maxSegment`; the rest become entries as in
   * {@link fromPages}. The rules are those of `sg_alloc_append_table_from_pages()`, which does not
   * count merged pages against `size`.
   *
   * @throws {TypeError} when a value is not a number
   * @throws {RangeError} as {@link fromPages}, and when the last entry would outgrow the kernel's
   *   `unsigned int`
   */
  appendPages(pfns: ArrayLike<number>, options: Omit<FromPagesOptions, 'offset'>): SgTable {
    const plain = readOptions(options, 'append pages to the sg table', ['size', 'maxSegment']);
    const rules = checkSegmentRules(plain, this.pageSize);
    const read = readPfns(pfns);
    const builder = new SgColumnsBuilder(this.pageSize, this.#columns);
    const mergedCount = mergeIntoLast(builder, read, rules);
    addSegments(builder, read, rules, mergedCount);
    return new SgTable(OURS, builder.finish(), this.pageSize);
  }

  /** Whether a value is a table, regardless of its class. @internal */
  static isTable(value: unknown): value is SgTable {
    return typeof value === 'object' && value !== null && #columns in value;
  }

  /** How many entries it has. */
  get entryCount(): number {
    return this.#columns.pfns.length;
  }

  /**
   * The pages that the kernel's page iterator yields: per entry `offset + length` rounded up to
   * pages.
   */
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

  /** @internal Whether every entry has exactly one page. */
  get isOnePageEach(): boolean {
    return this.#totals.isOnePageEach;
  }

  /** @internal For reading only. */
  get columns(): SgColumns {
    return this.#columns;
  }

  /**
   * Entry `index`, counted from 0.
   *
   * @throws {RangeError} when there is no such entry
   */
  entry(index: number): SgEntry {
    checkInteger(index, { action: 'give the entry', name: 'index', min: 0, max: this.entryCount - 1 });
    return this.#entryAt(index);
  }

  /** The entries, in buffer order. */
  *entries(): Generator<SgEntry, void, undefined> {
    for (let index = 0; index < this.entryCount; index++) yield this.#entryAt(index);
  }

  /**
   * How many entries there are of each order, largest order first. An entry of 2^k pages is of
   * order k; one of any other number of pages counts under the next lower order,
   * floor(log2(pages)), so 3 pages count as order 1; an entry without pages is left out. Pages are
   * counted as in `pageCount`. The position of an entry does not matter.
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

  /** What `console.log` shows. @internal */
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
