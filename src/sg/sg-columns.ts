/**
 * A table column by column: typed arrays instead of an object per entry, because 2 GiB of order-0
 * pages are 524,288 entries. Internal. The arrays are never written after `finish()` has handed
 * them out.
 */

import { types } from 'node:util';

import { outOfRange } from '../base/argument-error.ts';
import { assert } from '../base/assert.ts';
import { TABLE_PAGE_COUNT_MAX, UINT_MAX } from '../base/limits.ts';
import { toByteLength, toPageCount } from '../base/quantities.ts';
import type { ByteLength, PageCount } from '../base/quantities.ts';
import { entryPageCount, readEntry } from './sg-entry.ts';
import type { SgEntryLike } from './sg-entry.ts';

/** Element `i` of each array belongs to entry `i`. */
export interface SgColumns {
  /**
   * 32 bits where every pfn fits, so that a plain copy brings the pfns into wasm memory and 4-byte
   * outputs.
   */
  readonly pfns: Uint32Array | Float64Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly pageCounts: Uint32Array;
}

/** The sums over the columns. */
export interface SgTotals {
  readonly pageCount: PageCount;
  readonly length: ByteLength;
  /** The largest pfn of any page, -1 where no entry has pages. */
  readonly pfnMax: number;
  /** Whether every entry has exactly one page. */
  readonly isOnePageEach: boolean;
}

const CAPACITY_MIN = 16;

/** Grows by doubling: an iterable does not say how many entries it has. */
export class SgColumnsBuilder {
  readonly #pageSize: ByteLength;
  #count = 0;
  #pfns: Float64Array;
  #offsets: Uint32Array;
  #lengths: Uint32Array;

  constructor(pageSize: ByteLength, columns?: SgColumns) {
    const capacity = Math.max(CAPACITY_MIN, columns?.pfns.length ?? 0);
    this.#pageSize = pageSize;
    this.#pfns = new Float64Array(capacity);
    this.#offsets = new Uint32Array(capacity);
    this.#lengths = new Uint32Array(capacity);
    if (columns === undefined) return;
    this.#count = columns.pfns.length;
    this.#pfns.set(columns.pfns);
    this.#offsets.set(columns.offsets);
    this.#lengths.set(columns.lengths);
  }

  get count(): number {
    return this.#count;
  }

  /** The entry added last. */
  last(): SgEntryLike {
    assert(this.#count > 0, 'There must be a last entry');
    const index = this.#count - 1;
    return {
      pfn: this.#pfns[index] as number,
      offset: this.#offsets[index] as number,
      length: this.#lengths[index] as number,
    };
  }

  /** Adds an entry, as {@link readEntry} has read and checked it. */
  add(given: SgEntryLike): void {
    const entry = readEntry(given, this.#count, this.#pageSize);
    if (this.#count === this.#pfns.length) this.#grow();
    this.#pfns[this.#count] = entry.pfn;
    this.#offsets[this.#count] = entry.offset;
    this.#lengths[this.#count] = entry.length;
    this.#count += 1;
  }

  /** Replaces the entry added last. */
  replaceLast(entry: SgEntryLike): void {
    assert(this.#count > 0, 'There must be a last entry');
    this.#count -= 1;
    this.add(entry);
  }

  finish(): SgColumns {
    const lengths = this.#lengths.slice(0, this.#count);
    const offsets = this.#offsets.slice(0, this.#count);
    const pageCounts = new Uint32Array(this.#count);
    for (let index = 0; index < this.#count; index++) {
      pageCounts[index] = entryPageCount(offsets[index] as number, lengths[index] as number, this.#pageSize);
    }
    return { pfns: narrowPfns(this.#pfns.subarray(0, this.#count)), offsets, lengths, pageCounts };
  }

  #grow(): void {
    const capacity = this.#pfns.length * 2;
    const pfns = new Float64Array(capacity);
    const offsets = new Uint32Array(capacity);
    const lengths = new Uint32Array(capacity);
    pfns.set(this.#pfns);
    offsets.set(this.#offsets);
    lengths.set(this.#lengths);
    this.#pfns = pfns;
    this.#offsets = offsets;
    this.#lengths = lengths;
  }
}

/** A copy, 32 bits wide where every value fits. */
export function narrowPfns(pfns: ArrayLike<number>): Uint32Array | Float64Array {
  if (types.isUint32Array(pfns)) return pfns.slice();
  for (let index = 0; index < pfns.length; index++) {
    if ((pfns[index] as number) > UINT_MAX) return Float64Array.from(pfns);
  }
  return new Uint32Array(pfns);
}

/**
 * Computes the sums.
 *
 * @throws {RangeError} for more pages than a table may describe
 */
export function sumColumns(columns: SgColumns): SgTotals {
  const { pfns, lengths, pageCounts } = columns;
  assert(pageCounts.length === pfns.length, 'The columns must be equally long');
  let pageCount = 0;
  let length = 0;
  let pfnMax = -1;
  let isOnePageEach = true;
  for (let index = 0; index < pfns.length; index++) {
    const pages = pageCounts[index] as number;
    pageCount += pages;
    length += lengths[index] as number;
    if (pages !== 1) isOnePageEach = false;
    const pfnLast = (pfns[index] as number) + pages - 1;
    if (pages > 0 && pfnLast > pfnMax) pfnMax = pfnLast;
  }
  if (pageCount > TABLE_PAGE_COUNT_MAX) {
    throw outOfRange(
      { action: 'make an sg table', name: 'entries' },
      { must: `describe at most ${TABLE_PAGE_COUNT_MAX} pages`, received: pageCount },
    );
  }
  return { pageCount: toPageCount(pageCount), length: toByteLength(length), pfnMax, isOnePageEach };
}
