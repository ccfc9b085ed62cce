import { openOutput } from './page-output.ts';
import type { AddressOutputOptions, PageOutputOptions, PfnOutputOptions } from './page-output.ts';
import { fillPages } from './plain-pages.ts';
import type { SgTable } from './sg-table.ts';

/**
 * The pages of a table in buffer order, by a counted loop from the first pfn of each entry, as in
 * the kernel patch "Optimize sg_table-to-pages conversion in vmap". Unlike the patch, this agrees
 * with the page iterator on every table: partial pages count whole, and offsets count.
 *
 * Runs on WebAssembly SIMD where `out` comes from {@link createPageList}; a plain loop fills other
 * arrays.
 *
 * @returns a view of exactly `table.pageCount` elements of `out`: pfns or, at width 8, addresses
 * @throws {TypeError} when an option is of the wrong kind, or `width` is not that of `out`
 * @throws {RangeError} when the table does not have `pages` pages, `out` is too short, or a pfn
 *   does not fit 4 bytes; nothing is written then
 *
 * @example
 * ```ts
 * import { SgTable, pagesByEntry } from 'dmabuf/sg';
 *
 * const table = SgTable.fromEntries([
 *   { pfn: 256, offset: 0, length: 8192 },
 *   { pfn: 4, offset: 0, length: 4096 },
 * ]);
 * console.log(pagesByEntry(table).join(' ')); // 256 257 4
 * console.log(pagesByEntry(table, { width: 8 }).join(' ')); // 1048576 1052672 16384
 * ```
 */
export function pagesByEntry(table: SgTable, options?: PfnOutputOptions): Uint32Array;
export function pagesByEntry(table: SgTable, options: AddressOutputOptions): BigUint64Array;
export function pagesByEntry(table: SgTable, options: PageOutputOptions = {}): Uint32Array | BigUint64Array {
  const { pages, list } = openOutput(table, options);
  if (list === undefined) fillPages(table, pages);
  else list.fill(table);
  return pages;
}
