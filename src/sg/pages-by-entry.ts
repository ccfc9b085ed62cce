import { openOutput } from './page-output.ts';
import type { AddressOutputOptions, PageOutputOptions, PfnOutputOptions } from './page-output.ts';
import { fillPages } from './plain-pages.ts';
import type { SgTable } from './sg-table.ts';

/**
 * The pages of a table in buffer order, by the first pfn of each entry and a counted loop: how the kernel patch "Optimize
 * sg_table-to-pages conversion in vmap" has it. Unlike the patch, on every table what the page iterator yields: pages
 * begun count whole, and offsets count.
 *
 * Runs on WebAssembly SIMD where `out` comes from {@link createPageList}; a plain loop fills other arrays.
 *
 * @returns a view of exactly `table.pageCount` elements of `out`: pfns or, at width 8, addresses
 * @throws {TypeError} when an option is of the wrong kind, or `width` is not that of `out`
 * @throws {RangeError} when the table has not `pages` pages, `out` is too short, or a pfn does not fit 4 bytes; in
 *   each case before anything is written
 */
export function pagesByEntry(table: SgTable, options?: PfnOutputOptions): Uint32Array;
export function pagesByEntry(table: SgTable, options: AddressOutputOptions): BigUint64Array;
export function pagesByEntry(table: SgTable, options: PageOutputOptions = {}): Uint32Array | BigUint64Array {
  const { pages, list } = openOutput(table, options);
  if (list === undefined) fillPages(table, pages);
  else list.fill(table);
  return pages;
}
