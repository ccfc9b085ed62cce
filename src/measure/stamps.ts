/** Eight bytes that encode the page of a buffer to which they were written, and the way. */

import type { SgTable } from '../sg/sg-table.ts';

/**
 * The way by which a stamp was written. The stamps of the two ways differ, so that a leftover of
 * the first does not count for the second.
 */
export type StampWay = 'through the view' | 'past the view';

/** A part of memory that can be read: a view, or the memory behind one. */
interface StampableWindow {
  subarray(offset: number, length: number): Uint8Array;
}

export const STAMP_BYTES = 8;

const SALTS: Readonly<Record<StampWay, number>> = { 'through the view': 0x5749_4e44, 'past the view': 0x5047_4553 };

/** The stamp of a page: different for all pages, and for both ways. */
export function stampOf(bufferPage: number, way: StampWay): Uint8Array {
  return new Uint8Array(new Uint32Array([bufferPage, (bufferPage ^ SALTS[way]) >>> 0]).buffer);
}

/** Whether `bytes` begin with a page's stamp. */
export function hasStamp(bytes: Uint8Array, bufferPage: number, way: StampWay): boolean {
  return stampOf(bufferPage, way).every((byte, index) => bytes[index] === byte);
}

/** Writes the stamps of `pages` into a window of the whole buffer. */
export function writeStamps(
  window: StampableWindow,
  { pages, pageSize, way }: { readonly pages: Uint32Array; readonly pageSize: number; readonly way: StampWay },
): void {
  for (const page of pages) window.subarray(page * pageSize, STAMP_BYTES).set(stampOf(page, way));
}

/** How many of `pages` have their stamps in a window of the whole buffer. */
export function countStamps(
  window: StampableWindow,
  { pages, pageSize, way }: { readonly pages: Uint32Array; readonly pageSize: number; readonly way: StampWay },
): number {
  return pages.reduce(
    (count, page) => count + (hasStamp(window.subarray(page * pageSize, STAMP_BYTES), page, way) ? 1 : 0),
    0,
  );
}

/** The first and the last page of every entry, by their place in the buffer. */
export function pagesOfEntryEnds(table: SgTable): Uint32Array {
  const pages: number[] = [];
  let first = 0;
  for (const pageCount of table.columns.pageCounts) {
    if (pageCount > 0) pages.push(first);
    if (pageCount > 1) pages.push(first + pageCount - 1);
    first += pageCount;
  }
  return Uint32Array.from(pages);
}

/** Pages at equal distances in a buffer whose table is unknown, and its last. */
const SAMPLED_PAGES = 16;

/** The pages to stamp in a buffer whose table is unknown. */
export function sampledPages(pageCount: number): Uint32Array {
  const pages = Array.from({ length: Math.ceil(pageCount / SAMPLED_PAGES) }, (_, index) => index * SAMPLED_PAGES);
  if (pages.at(-1) !== pageCount - 1) pages.push(pageCount - 1);
  return Uint32Array.from(pages);
}
