import { checkInteger, checkOptions } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import type { PageCount, Pfn } from '../base/quantities.ts';
import type { SgColumns } from './sg-columns.ts';
import type { SgTable } from './sg-table.ts';

/** Where a {@link PageIterator} starts. */
interface PageIteratorOptions {
  /** Pages passed over before the first, across entries if need be. Default 0. */
  readonly pageOffset?: number;
}

/**
 * The kernel's page iterator: `__sg_page_iter_start()`, `__sg_page_iter_next()` and `sg_page_iter_page()` of
 * lib/scatterlist.c. Stands before the first page until `next()` is called.
 *
 * ```ts
 * const iterator = new PageIterator(table);
 * while (iterator.next()) visit(iterator.pfn);
 * ```
 */
export class PageIterator {
  readonly #columns: SgColumns;
  #entryIndex = 0;
  #pageOffset: number;
  #advance = 0;

  /** @throws {RangeError} when `pageOffset` is no page count; past the end it is legal, and there is no page */
  constructor(table: SgTable, options: PageIteratorOptions = {}) {
    checkOptions(options, 'iterate over the pages of a table', ['pageOffset']);
    const range = { min: 0, max: TABLE_PAGE_COUNT_MAX };
    this.#columns = table.columns;
    this.#pageOffset = checkInteger(options.pageOffset ?? 0, 'start at a page', range);
  }

  /** Steps to the next page; false when there is none. */
  next(): boolean {
    const { pageCounts } = this.#columns;
    if (this.#entryIndex >= pageCounts.length) return false;
    this.#pageOffset += this.#advance;
    this.#advance = 1;
    // A loop, as an entry may be without pages and a start may pass over whole entries.
    while (this.#pageOffset >= (pageCounts[this.#entryIndex] as number)) {
      this.#pageOffset -= pageCounts[this.#entryIndex] as number;
      this.#entryIndex += 1;
      if (this.#entryIndex === pageCounts.length) return false;
    }
    return true;
  }

  /** The entry of the page that `next()` stepped to; as `pageOffset` and `pfn`, of no meaning before it has said true. */
  get entryIndex(): number {
    return this.#entryIndex;
  }

  /** How many pages into its entry the page is. */
  get pageOffset(): PageCount {
    return this.#pageOffset as PageCount;
  }

  /** The page that `next()` stepped to. */
  get pfn(): Pfn {
    return ((this.#columns.pfns[this.#entryIndex] as number) + this.#pageOffset) as Pfn;
  }
}
