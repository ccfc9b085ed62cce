import { types } from 'node:util';

import { checkInteger, checkOneOf } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import { toPageCount } from '../base/quantities.ts';
import type { PageCount } from '../base/quantities.ts';
import { fillPages } from './plain-pages.ts';
import type { SgTable } from './sg-table.ts';
import { WasmPages } from './wasm-pages.ts';

/** Bytes per page in an output: 4 for its pfn, 8 for its address (pfn × page size). */
export type PageWidth = 4 | 8;
export const PAGE_WIDTHS: readonly PageWidth[] = [4, 8];

/** The typed array of a width: pfns in 32 bits, or addresses in 64. */
export type PageArray<Width extends PageWidth = PageWidth> = Width extends 4 ? Uint32Array : BigUint64Array;

/**
 * An output for `pagesByEntry` that lives in the memory of the WebAssembly module, so that the
 * pages need not be copied out of it. Reuse it: each holds a `WebAssembly.Memory`, which takes
 * about 10 GiB of address space.
 */
export class PageList<Width extends PageWidth = PageWidth> {
  /** Bytes per page: 4 for pfns, 8 for addresses. */
  readonly width: Width;
  /** How many pages fit. */
  readonly capacity: PageCount;
  /** The whole list. A walk returns its beginning. */
  readonly array: PageArray<Width>;
  readonly #wasm: WasmPages | undefined;

  private constructor(capacity: PageCount, width: Width, wasm: WasmPages | undefined) {
    const buffer = wasm?.buffer ?? new ArrayBuffer(capacity * width);
    const View = width === 4 ? Uint32Array : BigUint64Array;
    this.width = width;
    this.capacity = capacity;
    this.array = new View(buffer, wasm?.outputOffset ?? 0, capacity) as PageArray<Width>;
    this.#wasm = wasm;
    // The module writes where these fields say, so they are frozen.
    Object.freeze(this);
  }

  /** @internal A list in `wasm`, or in ordinary memory without it. */
  static of<Width extends PageWidth>(capacity: PageCount, width: Width, wasm: WasmPages | undefined): PageList<Width> {
    return new PageList(capacity, width, wasm);
  }

  /** Whether a value is a page list, regardless of its class. @internal */
  static isPageList(value: unknown): value is PageList {
    return typeof value === 'object' && value !== null && #wasm in value;
  }

  /**
   * False where WebAssembly SIMD, or address space for its memory, is missing. A plain loop does
   * the work then.
   */
  get simd(): boolean {
    return this.#wasm !== undefined;
  }

  /**
   * @internal Writes the table's pages to the beginning of the list; the caller has checked that
   *   they fit.
   */
  fill(table: SgTable): void {
    const isWide = types.isFloat64Array(table.columns.pfns);
    // All entries have one page, so their first pfns are the pages, and fillPages copies them: 0.15
    // ms for 2 GiB of order 0, against 0.28 ms in the module.
    const isCopy = this.width === 4 && table.isOnePageEach;
    if (this.#wasm === undefined || isWide || isCopy) fillPages(table, this.array);
    else this.#wasm.fill(table, this.width);
  }
}

/**
 * Makes an output of pfns for `pagesByEntry` that avoids the copy out of WebAssembly memory.
 *
 * @param pageCount its capacity in pages, from 1; together with the module's own needs it is
 *   limited to 4 GiB of memory
 * @throws {TypeError} when `pageCount` is not a number
 * @throws {RangeError} when `pageCount` is out of range
 *
 * @example
 * ```ts
 * import { SgTable, createPageList, pagesByEntry } from 'dmabuf/sg';
 *
 * const table = SgTable.fromEntries([{ pfn: 256, offset: 0, length: 3 * 4096 }]);
 * const out = createPageList(table.pageCount);
 * console.log(pagesByEntry(table, { out }).join(' ')); // 256 257 258
 * ```
 */
export function createPageList(pageCount: number): PageList<4>;
/**
 * As above, with its width.
 *
 * @param pageCount its capacity in pages, from 1; together with the module's own needs it is
 *   limited to 4 GiB of memory
 * @param width 4 for pfns, 8 for addresses
 * @throws {TypeError} when `pageCount` is not a number or `width` neither 4 nor 8
 * @throws {RangeError} when `pageCount` is out of range
 */
export function createPageList<Width extends PageWidth>(pageCount: number, width: Width): PageList<Width>;
export function createPageList(pageCount: number, width: PageWidth = 4): PageList {
  checkOneOf(width, { action: 'make a page list', name: 'width', allowed: PAGE_WIDTHS });
  const max = Math.min(TABLE_PAGE_COUNT_MAX, Math.floor(WasmPages.outputBytesMax / width));
  const capacity = toPageCount(checkInteger(pageCount, { action: 'make a page list', name: 'pageCount', min: 1, max }));
  return PageList.of(capacity, width, WasmPages.open(capacity * width));
}

/** As {@link createPageList}, without WebAssembly: the fallback of a machine without SIMD. */
export function createPlainPageList<Width extends PageWidth>(pageCount: number, width: Width): PageList<Width> {
  return PageList.of(toPageCount(pageCount), width, undefined);
}
