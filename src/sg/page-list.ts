import { checkInteger, checkOneOf } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import { toPageCount } from '../base/quantities.ts';
import type { PageCount } from '../base/quantities.ts';
import { fillPages } from './plain-pages.ts';
import type { SgTable } from './sg-table.ts';
import { WasmPages } from './wasm-pages.ts';

/** Bytes of one page in an output: 4 for its pfn, 8 for its address (pfn × page size). */
export type PageWidth = 4 | 8;
export const PAGE_WIDTHS: readonly PageWidth[] = [4, 8];

/** The array of a width: pfns in 32 bits, or addresses in 64. */
type PageArray<Width extends PageWidth = PageWidth> = Width extends 4 ? Uint32Array : BigUint64Array;

/**
 * An output for `pagesByEntry` that lives in the memory of the WebAssembly module, so that the pages need not be copied out
 * of it. Made to be used again and again: each holds a `WebAssembly.Memory`, which takes about 10 GiB of address space.
 */
export class PageList<Width extends PageWidth = PageWidth> {
  readonly width: Width;
  /** How many pages fit. */
  readonly capacity: PageCount;
  /** All of the list. What a walk returns is its beginning. */
  readonly array: PageArray<Width>;
  readonly #wasm: WasmPages | undefined;

  private constructor(capacity: PageCount, width: Width, wasm: WasmPages | undefined) {
    const buffer = wasm?.buffer ?? new ArrayBuffer(capacity * width);
    const View = width === 4 ? Uint32Array : BigUint64Array;
    this.width = width;
    this.capacity = capacity;
    this.array = new View(buffer, wasm?.outputOffset ?? 0, capacity) as PageArray<Width>;
    this.#wasm = wasm;
  }

  /** @internal A list in `wasm`, or in ordinary memory without it. */
  static of<Width extends PageWidth>(capacity: PageCount, width: Width, wasm: WasmPages | undefined): PageList<Width> {
    return new PageList(capacity, width, wasm);
  }

  /** False where WebAssembly SIMD or the address space for its memory is missing: then a plain loop does the work. */
  get simd(): boolean {
    return this.#wasm !== undefined;
  }

  /** @internal Writes the table's pages to the beginning of the list; the caller has checked that they fit. */
  fill(table: SgTable): void {
    const isWide = table.columns.pfns instanceof Float64Array;
    // Then the first pfns are all pfns, and fillPages copies them: 0.15 ms for 2 GiB of order 0, against 0.28 ms in the module.
    const isCopy = this.width === 4 && table.isOnePageEach;
    if (this.#wasm === undefined || isWide || isCopy) fillPages(table, this.array);
    else this.#wasm.fill(table, this.width);
  }
}

/**
 * Makes an output for `pagesByEntry` that spares the copy out of WebAssembly memory.
 *
 * @param pageCount how many pages fit, from 1; with the module's own needs, 4 GiB of memory is the end
 * @param width 4 for pfns (the default), 8 for addresses
 * @throws {TypeError} when `pageCount` is no number or `width` neither 4 nor 8
 * @throws {RangeError} when `pageCount` is out of range
 */
export function createPageList(pageCount: number): PageList<4>;
export function createPageList<Width extends PageWidth>(pageCount: number, width: Width): PageList<Width>;
export function createPageList(pageCount: number, width: PageWidth = 4): PageList {
  checkOneOf(width, 'set the width of a page list', PAGE_WIDTHS);
  const max = Math.min(TABLE_PAGE_COUNT_MAX, Math.floor(WasmPages.outputBytesMax / width));
  const capacity = toPageCount(checkInteger(pageCount, 'set the pages of a page list', { min: 1, max }));
  return PageList.of(capacity, width, WasmPages.open(capacity * width));
}

/** As {@link createPageList}, without WebAssembly: how a machine without SIMD has it. */
export function createPlainPageList<Width extends PageWidth>(pageCount: number, width: Width): PageList<Width> {
  return PageList.of(toPageCount(pageCount), width, undefined);
}
