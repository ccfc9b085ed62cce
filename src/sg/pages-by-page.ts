import { types } from 'node:util';

import { openOutput } from './page-output.ts';
import type { AddressOutputOptions, PageOutputOptions, PfnOutputOptions } from './page-output.ts';
import { PageIterator } from './page-iterator.ts';
import type { SgTable } from './sg-table.ts';

/**
 * The pages of a table in buffer order, by one iterator step per page, as `system_heap_do_vmap()`
 * does it (drivers/dma-buf/heaps/system_heap.c). Gives the same pages as {@link pagesByEntry} at
 * many times the cost: the baseline that it is compared with.
 *
 * @returns a view of exactly `table.pageCount` elements of `out`: pfns or, at width 8, addresses
 * @throws {TypeError} when an option is of the wrong kind, or `width` is not that of `out`
 * @throws {RangeError} when the table does not have `pages` pages, `out` is too short, or a pfn
 *   does not fit 4 bytes; nothing is written then
 *
 * @example
 * ```ts
 * import { SgTable, pagesByPage } from 'dmabuf/sg';
 *
 * const table = SgTable.fromEntries([
 *   { pfn: 256, offset: 0, length: 8192 },
 *   { pfn: 4, offset: 0, length: 4096 },
 * ]);
 * console.log(pagesByPage(table).join(' ')); // 256 257 4
 * ```
 */
export function pagesByPage(table: SgTable, options?: PfnOutputOptions): Uint32Array;
export function pagesByPage(table: SgTable, options: AddressOutputOptions): BigUint64Array;
export function pagesByPage(table: SgTable, options: PageOutputOptions = {}): Uint32Array | BigUint64Array {
  const { pages } = openOutput(table, options);
  const iterator = new PageIterator(table);
  let index = 0;
  if (types.isUint32Array(pages)) {
    while (iterator.next()) pages[index++] = iterator.pfn;
  } else {
    const pageSize = BigInt(table.pageSize);
    while (iterator.next()) pages[index++] = BigInt(iterator.pfn) * pageSize;
  }
  return pages;
}
