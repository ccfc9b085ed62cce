/** One entry of a table: what it may hold, and how many pages it covers. */

import { checkInteger } from '../base/check.ts';
import { PFN_MAX, UINT_MAX } from '../base/limits.ts';
import type { ByteLength, PageCount, Pfn } from '../base/quantities.ts';

/** A physically contiguous piece of memory, in the words of `struct scatterlist` (include/linux/scatterlist.h). */
export interface SgEntry {
  /** The page that `offset` counts from. */
  readonly pfn: Pfn;
  /** Bytes before the first byte of the piece; may be a page or more. */
  readonly offset: ByteLength;
  /** Bytes of the piece; 0 is legal. */
  readonly length: ByteLength;
}

/** What becomes an {@link SgEntry} once it has been checked. */
export interface SgEntryLike {
  readonly pfn: number;
  readonly offset: number;
  readonly length: number;
}

const PFN_RANGE = { min: 0, max: PFN_MAX };
const UINT_RANGE = { min: 0, max: UINT_MAX };

/** The most that `offset + length` may be: beyond it the kernel's PAGE_ALIGN, in `unsigned int`, wraps to 0. */
export function entryBytesMax(pageSize: ByteLength): number {
  return UINT_MAX - (UINT_MAX % pageSize);
}

/** The pages that an entry covers, from its pfn on: `sg_page_count()` in lib/scatterlist.c. Pages before `offset` count too. */
export function entryPageCount(offset: number, length: number, pageSize: ByteLength): PageCount {
  return Math.ceil((offset + length) / pageSize) as PageCount;
}

function isUint(value: unknown): boolean {
  return typeof value === 'number' && value >>> 0 === value;
}

/**
 * Refuses an entry that the kernel could not hold.
 *
 * @throws {TypeError} when a field is no number
 * @throws {RangeError} when a field is out of range, the sum of offset and length wraps, or the last page has no legal pfn
 */
export function checkEntry(entry: SgEntryLike, index: number, pageSize: ByteLength): void {
  const { pfn, offset, length } = entry;
  // The names below are put together only for an entry that fails: half a million entries pass here.
  if (!Number.isSafeInteger(pfn) || pfn < 0 || pfn > PFN_MAX)
    checkInteger(pfn, `take the pfn of entry ${index}`, PFN_RANGE);
  if (!isUint(offset)) checkInteger(offset, `take the offset of entry ${index}`, UINT_RANGE);
  if (!isUint(length)) checkInteger(length, `take the length of entry ${index}`, UINT_RANGE);
  if (offset + length > entryBytesMax(pageSize)) {
    throw new RangeError(
      `Cannot take entry ${index} as its offset and length together must be at most ${entryBytesMax(pageSize)} bytes, ` +
        `beyond which the kernel's unsigned int arithmetic wraps: current value is ${offset + length}`,
    );
  }
  const pfnLast = pfn + entryPageCount(offset, length, pageSize) - 1;
  if (pfnLast > PFN_MAX) {
    throw new RangeError(
      `Cannot take entry ${index} as its last pfn must be at most ${PFN_MAX}: current value is ${pfnLast}`,
    );
  }
}
