import type { Machine } from '../../linux/machine.ts';
import type { Address, ByteLength, PageCount } from '../../base/quantities.ts';
import type { SliceWindow } from './slice-window.ts';

/** The pfns of a slice's pages as they become known: slot n is that of page n. Pure. */

/** Still unknown. */
const UNKNOWN = -1;
/** Two reports contradict each other. */
const CONTRADICTED = -2;

export class PfnSlots {
  readonly #pfns: Float64Array;

  /** Over `pfns`, which it overwrites. */
  constructor(pfns: Float64Array) {
    this.#pfns = pfns.fill(UNKNOWN);
  }

  get count(): number {
    return this.#pfns.length;
  }

  /** Ignores pages outside of the slice. True when a page became known. */
  record(page: number, pfn: number): boolean {
    const known = this.#pfns[page];
    if (known === undefined || known === pfn) return false;
    this.#pfns[page] = known === UNKNOWN ? pfn : CONTRADICTED;
    return true;
  }

  /** The pages that are still unknown. */
  missing(): number[] {
    const pages: number[] = [];
    for (const [page, pfn] of this.#pfns.entries()) if (pfn === UNKNOWN) pages.push(page);
    return pages;
  }

  get complete(): boolean {
    return this.#pfns.every((pfn) => pfn >= 0);
  }

  get empty(): boolean {
    return this.#pfns.every((pfn) => pfn === UNKNOWN);
  }
}

/** A source that knows where pages of a mapping lie. */
export interface PfnSource {
  /** The source's name, in words. */
  readonly recordedBy: ReadonlySet<string>;
  /** Reports the pages that it knows of the slice of the window at `address`. */
  record(slots: PfnSlots, address: Address): void;
}

/**
 * The pages of a slice: few enough that its trace records, up to two events of 48 bytes per page,
 * fit small buffers. The kernel has one buffer per CPU.
 */
export const SLICE_PAGES = 1024;
export const SLICE_TRACE_BYTES: number = 128 * 1024;

/**
 * The pfns of a file's pages, in the file's order. Maps the file slice by slice over `window`, and
 * asks the sources. Undefined when no source knows the pages. A partly known slice is retried in
 * halves, because a trace may have lost events.
 */
export function findPages(
  window: SliceWindow,
  sources: readonly PfnSource[],
  pageCount: PageCount,
): Float64Array | undefined {
  const pfns = new Float64Array(pageCount);
  const findSlice = (first: number, count: number): boolean => {
    const slots = new PfnSlots(pfns.subarray(first, first + count));
    window.map(first, count);
    for (const source of sources) source.record(slots, window.address);
    if (slots.complete) return true;
    // Only now: many exporters have mapped all of it already, and touching takes longer than
    // asking.
    window.touch(slots.missing());
    for (const source of sources) source.record(slots, window.address);
    if (slots.complete) return true;
    if (slots.empty || count === 1) return false;
    const half = Math.ceil(count / 2);
    return findSlice(first, half) && findSlice(first + half, count - half);
  };
  for (let first = 0; first < pageCount; first += SLICE_PAGES)
    if (!findSlice(first, Math.min(SLICE_PAGES, pageCount - first))) return undefined;
  return pfns;
}

/** The inputs of every layout measurement. */
export interface MeasuredSize {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  /** Where `/proc` and `/sys` are found. Default: `/`. */
  readonly machine?: Machine;
}
