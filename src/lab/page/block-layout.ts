import { BLOCK_PAGES } from '../protocol/block-runs.ts';

/** The side of a block is 2^this pixels. */
export const BLOCK_SIDE_BITS: number = Math.log2(BLOCK_PAGES) / 2;
export const BLOCK_SIDE: number = 2 ** BLOCK_SIDE_BITS;

/**
 * Where a block's pages are in its square: along a Z-order curve, so that 2^order pages that an
 * allocator gives together are one square, or one rectangle of two. By page, the pixel from the
 * square's corner on, row by row.
 */
export const PIXEL_OF_PAGE: Uint16Array = Uint16Array.from(
  { length: BLOCK_PAGES },
  (_, page) => everySecondBit(page >> 1) * BLOCK_SIDE + everySecondBit(page),
);

/** The reverse of {@link PIXEL_OF_PAGE}. */
export const PAGE_OF_PIXEL: Uint16Array = new Uint16Array(BLOCK_PAGES);
for (const [page, pixel] of PIXEL_OF_PAGE.entries()) PAGE_OF_PIXEL[pixel] = page;

/** Bits 0, 2, 4, … moved together. */
function everySecondBit(value: number): number {
  let result = 0;
  for (let bit = 0; bit < BLOCK_SIDE_BITS; bit += 1) result |= ((value >> (2 * bit)) & 1) << bit;
  return result;
}
