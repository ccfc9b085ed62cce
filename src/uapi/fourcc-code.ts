import type { Brand } from '../base/quantities.ts';

/**
 * A pixel format's number: four characters, the first in the lowest byte.
 *
 * DRM's number. Formats without one (Bayer patterns, compressed pictures) have V4L2's.
 */
export type Fourcc = Brand<number, 'Fourcc'>;

const BITS_PER_CHARACTER = 8;

/** `fourcc_code`: exactly four characters of one byte each. */
export function fourccCode(characters: string): Fourcc {
  const codes = Array.from({ length: 4 }, (_, index) => characters.charCodeAt(index) << (index * BITS_PER_CHARACTER));
  return (codes.reduce((sum, code) => sum | code, 0) >>> 0) as Fourcc;
}
