import { openOutput } from './page-output.ts';
import type { AddressOutputOptions, PageOutputOptions, PfnOutputOptions } from './page-output.ts';
import { PageIterator } from './page-iterator.ts';
import type { SgTable } from './sg-table.ts';

/**
 * The pages of a table in buffer order, by one step of an iterator per page: how `system_heap_do_vmap()` has it
 * (drivers/dma-buf/heaps/system_heap.c). The same answer as {@link pagesByEntry}, at many times its cost: what that one is
 * compared with.
 *
 * @returns a view of exactly `table.pageCount` elements of `out`: pfns or, at width 8, addresses
 * @throws {TypeError} when an option is of the wrong kind, or `width` is not that of `out`
 * @throws {RangeError} when the table has not `pages` pages, `out` is too short, or a pfn does not fit 4 bytes; in
 *   each case before anything is written
 */
export function pagesByPage(table: SgTable, options?: PfnOutputOptions): Uint32Array;
export function pagesByPage(table: SgTable, options: AddressOutputOptions): BigUint64Array;
export function pagesByPage(table: SgTable, options: PageOutputOptions = {}): Uint32Array | BigUint64Array {
  const { pages } = openOutput(table, options);
  const iterator = new PageIterator(table);
  let index = 0;
  if (pages instanceof Uint32Array) {
    while (iterator.next()) pages[index++] = iterator.pfn;
  } else {
    const pageSize = BigInt(table.pageSize);
    while (iterator.next()) pages[index++] = BigInt(iterator.pfn) * pageSize;
  }
  return pages;
}
