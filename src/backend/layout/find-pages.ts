import type { Address, ByteLength, PageCount } from '../../base/quantities.ts';
import { PfnSlots } from './pfn-slots.ts';
import type { SliceWindow } from './slice-window.ts';

/** Somebody who can tell where pages of a mapping lie. */
export interface PfnSource {
  /** What has told something, in words. */
  readonly tellers: ReadonlySet<string>;
  /** Tells what it knows of the slice of the window at `address`. */
  tell(slots: PfnSlots, address: Address): void;
}

/**
 * Slices of so many pages, so that what a trace records of one, up to two events of 48 bytes a page, fits small buffers: the kernel
 * has them once a processor.
 */
export const SLICE_PAGES = 1024;
export const SLICE_TRACE_BYTES: number = 128 * 1024;

/**
 * The pfns of a file's pages, in the file's order: maps it slice by slice over `window`, and asks who can tell; undefined when nobody
 * can. A slice of which only a part was told is tried again in halves: a trace may have lost events.
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
    for (const source of sources) source.tell(slots, window.address);
    if (slots.complete) return true;
    // Not before: many exporters have mapped all of it by now, and touching takes longer than that.
    window.touch(slots.missing());
    for (const source of sources) source.tell(slots, window.address);
    if (slots.complete) return true;
    if (slots.empty || count === 1) return false;
    const half = Math.ceil(count / 2);
    return findSlice(first, half) && findSlice(first + half, count - half);
  };
  for (let first = 0; first < pageCount; first += SLICE_PAGES)
    if (!findSlice(first, Math.min(SLICE_PAGES, pageCount - first))) return undefined;
  return pfns;
}

/** What every layout is measured of. */
export interface MeasuredSize {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  /** Where `/proc` and `/sys` are found. Default: `/`. */
  readonly root?: string;
}
