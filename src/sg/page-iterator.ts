import { checkInteger, readOptions } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import type { PageCount, Pfn } from '../base/quantities.ts';
import type { SgColumns } from './sg-columns.ts';
import type { SgTable } from './sg-table.ts';

/** Where a {@link PageIterator} starts. */
interface PageIteratorOptions {
  /** Pages to skip before the first, across entries if needed. Default 0. */
  readonly pageOffset?: number;
}

/**
 * The kernel's page iterator: `__sg_page_iter_start()`, `__sg_page_iter_next()` and
 * `sg_page_iter_page()` of lib/scatterlist.c. Stands before the first page until `next()` is
 * called.
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

  /**
   * @throws {RangeError} when `pageOffset` is not a page count. A start past the end is legal:
   *   there is no page then
   */
  constructor(table: SgTable, options: PageIteratorOptions = {}) {
    const action = 'iterate over the pages of a table';
    const { pageOffset = 0 } = readOptions(options, action, ['pageOffset']);
    this.#columns = table.columns;
    this.#pageOffset = checkInteger(pageOffset, { action, name: 'pageOffset', min: 0, max: TABLE_PAGE_COUNT_MAX });
  }

  /** Steps to the next page; false when there is none. */
  next(): boolean {
    const { pageCounts } = this.#columns;
    if (this.#entryIndex >= pageCounts.length) return false;
    this.#pageOffset += this.#advance;
    this.#advance = 1;
    // A loop: an entry may have no pages, and a start may skip whole entries.
    while (this.#pageOffset >= (pageCounts[this.#entryIndex] as number)) {
      this.#pageOffset -= pageCounts[this.#entryIndex] as number;
      this.#entryIndex += 1;
      if (this.#entryIndex === pageCounts.length) return false;
    }
    return true;
  }

  /**
   * The entry of the current page. Like `pageOffset` and `pfn`, meaningless until `next()` has
   * returned true.
   */
  get entryIndex(): number {
    return this.#entryIndex;
  }

  /** The page's index within its entry. */
  get pageOffset(): PageCount {
    return this.#pageOffset as PageCount;
  }

  /** The current page. */
  get pfn(): Pfn {
    return ((this.#columns.pfns[this.#entryIndex] as number) + this.#pageOffset) as Pfn;
  }
}
