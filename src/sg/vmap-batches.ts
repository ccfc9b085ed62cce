/**
 * How a kernel with the series "mm/vmalloc: Speed up ioremap, vmalloc and vmap with contiguous
 * memory" cuts the pages of a vmap into batches: `vmap_pages_range_batched()` and
 * `get_vmap_batch_order()` of mm/vmalloc.c. One batch is one walk of the page tables. Kernels
 * without the series map page by page.
 */

import { assert } from '../base/assert.ts';
import { readPfns } from './from-pages.ts';
import { readPageTableModel, vmShift } from './page-table-model.ts';
import type { PageTableModel } from './page-table-model.ts';

/** Pages that are mapped in one walk. */
export interface VmapBatch {
  /** Index into the pages. */
  readonly firstPage: number;
  /** How many pages it maps. */
  readonly pageCount: number;
  /**
   * The batch consists of physically contiguous, aligned blocks of 2^shift bytes. The model's
   * `pageShift` means base pages.
   */
  readonly shift: number;
}

/** The largest power of two that divides `pfn`. Every power divides 0. */
function alignmentInPages(pfn: number): number {
  if (pfn === 0) return Number.POSITIVE_INFINITY;
  const low = pfn >>> 0;
  if (low !== 0) return 2 ** (31 - Math.clz32(low & -low));
  return 2 ** 32 * alignmentInPages(pfn / 2 ** 32);
}

/** The number of contiguous pages from `first` on, up to `limit`. */
function contiguousPageCount(pfns: ArrayLike<number>, first: number, limit: number): number {
  let count = 1;
  while (count < limit && pfns[first + count] === (pfns[first] as number) + count) count += 1;
  return count;
}

/** The order of the block at page `first`: 0 where a block has no advantage over base pages. */
function batchOrder(pfns: ArrayLike<number>, first: number, model: PageTableModel): number {
  const limit = Math.min(pfns.length - first, alignmentInPages(pfns[first] as number));
  const count = contiguousPageCount(pfns, first, limit);
  const order = 31 - Math.clz32(count);
  return vmShift(model, 2 ** (model.pageShift + order)) === model.pageShift ? 0 : order;
}

/**
 * The batches of a vmap, in order; together they are all pages.
 *
 * Consecutive blocks of the same size make one batch. The first block of order 0 ends the search:
 * the rest is mapped with base pages, contiguous or not, because heaps hand out large orders first.
 *
 * @param pfns the pages in buffer order, at most 2^31 - 1
 * @throws {TypeError} when `pfns` is not a list of numbers, or `model` does not describe page
 * tables
 * @throws {RangeError} for too many pages, a pfn out of range, or shifts that page tables cannot
 * have
 *
 * @example
 * ```ts
 * import { X86_64_PAGE_TABLES, vmapBatches } from 'dmabuf/sg';
 *
 * const batches = vmapBatches([256, 257, 4], X86_64_PAGE_TABLES);
 * console.log(batches.map(({ pageCount }) => pageCount).join(' ')); // 3
 * ```
 */
export function vmapBatches(pfns: ArrayLike<number>, model: PageTableModel): VmapBatch[] {
  return batchesOf(readPfns(pfns, 0), readPageTableModel(model));
}

function batchesOf(pfns: Float64Array, model: PageTableModel): VmapBatch[] {
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
