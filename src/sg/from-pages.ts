/**
 * Pages to entries by the rules of lib/scatterlist.c: `sg_alloc_table_from_pages_segment()` for a
 * new table and `sg_alloc_append_table_from_pages()` for an append. Zone-device pages (their pgmap
 * check) are unsupported.
 */

import { outOfRange } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { PFN_MAX, TABLE_PAGE_COUNT_MAX, UINT_MAX } from '../base/limits.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { SgColumnsBuilder } from './sg-columns.ts';

/** How pages become entries. */
export interface FromPagesOptions {
  /**
   * Bytes before the first byte, from the start of the first page; at most what the first segment
   * holds. Default 0.
   */
  readonly offset?: number;
  /** Valid bytes after `offset`. */
  readonly size: number;
  /**
   * The most bytes of one entry; rounded down to whole pages, and at least one. Default 2^32 - 1,
   * the kernel's UINT_MAX.
   */
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

const ACTION = 'make entries of pages';

/**
 * @throws {TypeError} when a value is not a number
 * @throws {RangeError} when a value is out of range, or `maxSegment` holds no whole page (the
 *   kernel's -EINVAL)
 */
export function checkSegmentRules(
  { offset = 0, size, maxSegment = UINT_MAX }: FromPagesOptions,
  pageSize: ByteLength,
): SegmentRules {
  checkBytes(maxSegment, 'maxSegment', { min: pageSize, max: UINT_MAX });
  return {
    offset: checkBytes(offset, 'offset', { min: 0, max: UINT_MAX }),
    size: checkBytes(size, 'size', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    maxSegment: maxSegment - (maxSegment % pageSize),
    pageSize,
  };
}

function checkBytes(value: unknown, name: string, range: { min: number; max: number }): number {
  return checkInteger(value, { action: ACTION, name, unit: 'bytes', ...range });
}

/** The columns grow as pfns are read: a list may claim a length that it does not have. */
const ROOM_PAGES_MIN = 4096;

/**
 * The pfns of a list, each read once: getters may compute them, and other threads may write to
 * their memory.
 *
 * @param countMin the least number of pfns
 * @throws {TypeError} when `pfns` is not a list of numbers
 * @throws {RangeError} for too few pages, too many, or a pfn out of range
 */
export function readPfns(pfns: ArrayLike<number>, countMin = 1): Float64Array {
  const count = checkInteger(pfns?.length, {
    action: ACTION,
    name: 'pfns.length',
    min: countMin,
    max: TABLE_PAGE_COUNT_MAX,
  });
  let read = new Float64Array(Math.min(count, ROOM_PAGES_MIN));
  for (let index = 0; index < count; index++) {
    const pfn = pfns[index] as number;
    if (!Number.isSafeInteger(pfn) || pfn < 0 || pfn > PFN_MAX)
      checkInteger(pfn, { action: ACTION, name: `pfns[${index}]`, min: 0, max: PFN_MAX });
    if (index === read.length) read = withMoreRoom(read, count);
    read[index] = pfn;
  }
  return read;
}

function withMoreRoom(full: Float64Array, countMax: number): Float64Array<ArrayBuffer> {
  const roomy = new Float64Array(Math.min(countMax, full.length * 2));
  roomy.set(full);
  return roomy;
}

/**
 * The first page after `start` that does not belong to its segment: it does not follow on, or the
 * segment is full.
 */
function segmentEnd(pfns: ArrayLike<number>, start: number, pagesMax: number): number {
  const full = Math.min(pfns.length, start + pagesMax);
  let end = start + 1;
  while (end < full && pfns[end] === (pfns[end - 1] as number) + 1) end += 1;
  return end;
}

/**
 * Adds the entries of `pfns` from page `from` on.
 *
 * @throws {RangeError} where the kernel's unsigned arithmetic would wrap: `offset` past the first
 *   segment, or `size` used up before the last one
 */
export function addSegments(builder: SgColumnsBuilder, pfns: ArrayLike<number>, rules: SegmentRules, from = 0): void {
  const { pageSize, maxSegment } = rules;
  let offset = rules.offset;
  let sizeLeft = rules.size;
  for (let start = from; start < pfns.length;) {
    const end = segmentEnd(pfns, start, maxSegment / pageSize);
    const segmentBytes = (end - start) * pageSize - offset;
    if (segmentBytes < 0) {
      const must = `be at most the ${(end - start) * pageSize} bytes of the first segment`;
      throw outOfRange({ action: ACTION, name: 'offset' }, { must, received: offset });
    }
    if (sizeLeft < 0) {
      const must = `reach the segment of page ${start}, which begins after ${rules.size - sizeLeft} bytes`;
      throw outOfRange({ action: ACTION, name: 'size' }, { must, received: rules.size });
    }
    builder.add({ pfn: pfns[start] as number, offset, length: Math.min(sizeLeft, segmentBytes) });
    sizeLeft -= segmentBytes;
    offset = 0;
    start = end;
  }
}

/**
 * Lengthens the last entry by the leading pages that follow it, one whole page each, while it stays
 * within `maxSegment`. As in the kernel, an entry that ends inside a page is followed by that same
 * page, and `size` is not reduced.
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
