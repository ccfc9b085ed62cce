/**
 * Pages to entries by the rules of lib/scatterlist.c: `sg_alloc_table_from_pages_segment()` for a new table and
 * `sg_alloc_append_table_from_pages()` for one that goes on. Zone-device pages (their pgmap check) are unsupported.
 */

import { checkInteger } from '../base/check.ts';
import { PFN_MAX, TABLE_PAGE_COUNT_MAX, UINT_MAX } from '../base/limits.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { SgColumnsBuilder } from './sg-columns.ts';

/** How pages become entries. */
export interface FromPagesOptions {
  /** Bytes before the first byte, from the start of the first page; at most what the first segment holds. Default 0. */
  readonly offset?: number;
  /** Valid bytes after `offset`. */
  readonly size: number;
  /** The most bytes of one entry; rounded down to whole pages, and at least one. Default 2^32 - 1, the kernel's UINT_MAX. */
  readonly maxSegment?: number;
}

/** {@link FromPagesOptions} after their checks. */
interface SegmentRules {
  readonly offset: number;
  readonly size: number;
  /** Whole pages. */
  readonly maxSegment: number;
  readonly pageSize: ByteLength;
}

/**
 * @throws {TypeError} when a value is no number
 * @throws {RangeError} when a value is out of range, or `maxSegment` holds no whole page (the kernel's -EINVAL)
 */
export function checkSegmentRules(options: FromPagesOptions, pageSize: ByteLength): SegmentRules {
  const sizeRange = { min: 0, max: Number.MAX_SAFE_INTEGER };
  const maxSegment = options.maxSegment ?? UINT_MAX;
  checkInteger(maxSegment, 'set maxSegment', { min: pageSize, max: UINT_MAX });
  return {
    offset: checkInteger(options.offset ?? 0, 'set the offset', { min: 0, max: UINT_MAX }),
    size: checkInteger(options.size, 'set the size', sizeRange),
    maxSegment: maxSegment - (maxSegment % pageSize),
    pageSize,
  };
}

/**
 * @throws {TypeError} when `pfns` is no list of numbers
 * @throws {RangeError} for no pages, too many, or a pfn out of range
 */
export function checkPfns(pfns: ArrayLike<number>): void {
  checkInteger(pfns?.length, 'take the number of pages', { min: 1, max: TABLE_PAGE_COUNT_MAX });
  for (let index = 0; index < pfns.length; index++) {
    const pfn = pfns[index] as number;
    if (!Number.isSafeInteger(pfn) || pfn < 0 || pfn > PFN_MAX)
      checkInteger(pfn, `take the pfn of page ${index}`, { min: 0, max: PFN_MAX });
  }
}

/** The first page after `start` that does not belong to its segment: it does not follow on, or the segment is full. */
function segmentEnd(pfns: ArrayLike<number>, start: number, pagesMax: number): number {
  const full = Math.min(pfns.length, start + pagesMax);
  let end = start + 1;
  while (end < full && pfns[end] === (pfns[end - 1] as number) + 1) end += 1;
  return end;
}

/**
 * Adds the entries of `pfns` from page `from` on.
 *
 * @throws {RangeError} where the kernel's unsigned arithmetic would wrap: `offset` past the first segment, or `size` used up
 *   before the last one
 */
export function addSegments(builder: SgColumnsBuilder, pfns: ArrayLike<number>, rules: SegmentRules, from = 0): void {
  const { pageSize, maxSegment } = rules;
  let offset = rules.offset;
  let sizeLeft = rules.size;
  for (let start = from; start < pfns.length;) {
    const end = segmentEnd(pfns, start, maxSegment / pageSize);
    const segmentBytes = (end - start) * pageSize - offset;
    if (segmentBytes < 0) {
      throw new RangeError(
        `Cannot set the offset as it must be at most the ${(end - start) * pageSize} bytes of the first segment: ` +
          `current value is ${offset}`,
      );
    }
    if (sizeLeft < 0) {
      throw new RangeError(
        `Cannot set the size as it must reach the segment of page ${start}, which begins after ` +
          `${rules.size - sizeLeft} bytes: current value is ${rules.size}`,
      );
    }
    builder.add({ pfn: pfns[start] as number, offset, length: Math.min(sizeLeft, segmentBytes) });
    sizeLeft -= segmentBytes;
    offset = 0;
    start = end;
  }
}

/**
 * Lengthens the last entry by the leading pages that follow it, one whole page each, while it stays within `maxSegment`.
 * As in the kernel, an entry that ends inside a page is followed by that same page, and `size` is not reduced.
 *
 * @returns how many pages were taken
 */
export function mergeIntoLast(builder: SgColumnsBuilder, pfns: ArrayLike<number>, rules: SegmentRules): number {
  const { pfn, offset, length } = builder.last();
  const pfnNext = pfn + Math.floor((offset + length) / rules.pageSize);
  const pagesMax = Math.floor(Math.max(0, rules.maxSegment - length) / rules.pageSize);
  let taken = 0;
  while (taken < pfns.length && taken < pagesMax && pfns[taken] === pfnNext + taken) taken += 1;
  if (taken > 0) builder.replaceLast({ pfn, offset, length: length + taken * rules.pageSize });
  return taken;
}
