/** One entry of a table: what it may hold, and how many pages it covers. */

import { outOfRange, wrongType } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { PFN_MAX, UINT_MAX } from '../base/limits.ts';
import type { ByteLength, PageCount, Pfn } from '../base/quantities.ts';

/**
 * A physically contiguous piece of memory, in the words of `struct scatterlist`
 * (include/linux/scatterlist.h).
 */
export interface SgEntry {
  /** The page from which `offset` counts. */
  readonly pfn: Pfn;
  /** Bytes before the first byte of the piece; may be a page or more. */
  readonly offset: ByteLength;
  /** Bytes of the piece; 0 is legal. */
  readonly length: ByteLength;
}

/** The caller's form of an {@link SgEntry}, before it is checked. */
export interface SgEntryLike {
  /** The first page's frame number. */
  readonly pfn: number;
  /** From the start of that page, in bytes. May exceed a page. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

const ACTION = 'make an sg table';
const PFN_RANGE = { min: 0, max: PFN_MAX };
const UINT_RANGE = { min: 0, max: UINT_MAX };

/**
 * The largest `offset + length`: beyond it the kernel's PAGE_ALIGN, in `unsigned int`, wraps to 0.
 */
export function entryBytesMax(pageSize: ByteLength): number {
  return UINT_MAX - (UINT_MAX % pageSize);
}

/**
 * The pages that an entry covers, from its pfn on: `sg_page_count()` in lib/scatterlist.c. Pages
 * before `offset` count too.
 */
export function entryPageCount(offset: number, length: number, pageSize: ByteLength): PageCount {
  return Math.ceil((offset + length) / pageSize) as PageCount;
}

function isUint(value: unknown): boolean {
  return typeof value === 'number' && value >>> 0 === value;
}

/**
 * Reads each field of an entry once, and refuses an entry that the kernel could not hold.
 *
 * @throws {TypeError} when it is not an object, or a field is not a number
 * @throws {RangeError} when a field is out of range, the sum of offset and length wraps, or the
 *   last page has no legal pfn
 */
export function readEntry(entry: SgEntryLike, index: number, pageSize: ByteLength): SgEntryLike {
  if (entry === null || typeof entry !== 'object')
    throw wrongType(nameOf(index), { must: 'be { pfn, offset, length }', received: entry });
  const { pfn, offset, length } = entry;
  // The names below are composed only for an invalid entry: half a million entries pass here.
  if (!Number.isSafeInteger(pfn) || pfn < 0 || pfn > PFN_MAX)
    checkInteger(pfn, { ...nameOf(index, '.pfn'), ...PFN_RANGE });
  if (!isUint(offset)) checkInteger(offset, { ...nameOf(index, '.offset'), ...UINT_RANGE });
  if (!isUint(length)) checkInteger(length, { ...nameOf(index, '.length'), ...UINT_RANGE });
  const bytesMax = entryBytesMax(pageSize);
  if (offset + length > bytesMax) {
    throw outOfRange(nameOf(index, '.length'), {
      must: `be at most ${bytesMax} bytes with its offset, beyond which the kernel's unsigned int arithmetic wraps`,
      received: offset + length,
    });
  }
  const pfnLast = pfn + entryPageCount(offset, length, pageSize) - 1;
  if (pfnLast > PFN_MAX) {
    const must = `have a last pfn of at most ${PFN_MAX}`;
    throw outOfRange(nameOf(index), { must, received: pfnLast });
  }
  return { pfn, offset, length };
}

function nameOf(index: number, field = ''): Argument {
  return { action: ACTION, name: `entries[${index}]${field}` };
}
