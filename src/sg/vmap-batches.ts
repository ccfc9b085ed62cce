/**
 * How a kernel with the series "mm/vmalloc: Speed up ioremap, vmalloc and vmap with contiguous memory" cuts the pages of a
 * vmap into batches: `vmap_pages_range_batched()` and `get_vmap_batch_order()` of mm/vmalloc.c. One batch is one walk of
 * the page tables. Kernels without the series map page by page.
 */

import { assert } from '../base/assert.ts';
import { checkPfns } from './from-pages.ts';
import { vmShift } from './page-table-model.ts';
import type { PageTableModel } from './page-table-model.ts';

/** Pages that are mapped in one walk. */
interface VmapBatch {
  /** Index into the pages. */
  readonly firstPage: number;
  readonly pageCount: number;
  /** The batch consists of physically contiguous, aligned blocks of 2^shift bytes; `pageShift` of the model: base pages. */
  readonly shift: number;
}

/** The largest power of two that divides `pfn`; every one divides 0. */
function alignmentInPages(pfn: number): number {
  if (pfn === 0) return Number.POSITIVE_INFINITY;
  const low = pfn >>> 0;
  if (low !== 0) return 2 ** (31 - Math.clz32(low & -low));
  return 2 ** 32 * alignmentInPages(pfn / 2 ** 32);
}

/** How many pages from `first` on follow each other, up to `limit`. */
function contiguousPageCount(pfns: ArrayLike<number>, first: number, limit: number): number {
  let count = 1;
  while (count < limit && pfns[first + count] === (pfns[first] as number) + count) count += 1;
  return count;
}

/** The order of the block at page `first`: 0 where a block would not beat base pages. */
function batchOrder(pfns: ArrayLike<number>, first: number, model: PageTableModel): number {
  const limit = Math.min(pfns.length - first, alignmentInPages(pfns[first] as number));
  const count = contiguousPageCount(pfns, first, limit);
  const order = 31 - Math.clz32(count);
  return vmShift(model, 2 ** (model.pageShift + order)) === model.pageShift ? 0 : order;
}

/**
 * The batches of a vmap, in order; together they are all pages.
 *
 * Blocks of the same size that follow each other are one batch. The first block of order 0 ends the search: what is left is
 * mapped with base pages, contiguous or not, as heaps hand out large orders first.
 *
 * @param pfns the pages in buffer order, at most 2^31 - 1
 * @throws {TypeError} when `pfns` is no list of numbers
 * @throws {RangeError} for too many pages, or a pfn out of range
 */
export function vmapBatches(pfns: ArrayLike<number>, model: PageTableModel): VmapBatch[] {
  if (typeof model?.pageShift !== 'number') {
    throw new TypeError('Cannot tell the batches as the model must be of page tables: such as ARM64_PAGE_TABLES');
  }
  if (pfns?.length !== 0) checkPfns(pfns);
  const batches: VmapBatch[] = [];
  let batchFirst = 0;
  let batchShift = 0;
  const close = (end: number): void => {
    if (end > batchFirst) batches.push({ firstPage: batchFirst, pageCount: end - batchFirst, shift: batchShift });
    batchFirst = end;
  };
  let page = 0;
  while (page < pfns.length) {
    const order = batchOrder(pfns, page, model);
    const shift = model.pageShift + order;
    if (shift !== batchShift) {
      close(page);
      batchShift = shift;
    }
    if (order === 0) break;
    page += 2 ** order;
  }
  close(pfns.length);
  assert(batchFirst === pfns.length, 'Every page must be in a batch');
  return batches;
}
