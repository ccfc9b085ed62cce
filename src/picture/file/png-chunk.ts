/** The parts of a PNG file (PNG, third edition, sections 5 and 11). */

/** The first bytes of every file. */
export const PNG_SIGNATURE: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/**
 * A chunk begins with the length and the type of its data, of 4 bytes each. The checksum follows
 * the data.
 */
export const CHUNK_HEAD_BYTES = 8;
export const CHUNK_CRC_BYTES = 4;
/** Width, height, and five bytes. */
export const HEADER_BYTES = 13;

export type ColorType = 'gray' | 'rgb' | 'palette' | 'grayAlpha' | 'rgba';
/** By their numbers in the header. */
export const COLOR_TYPES: Readonly<Record<number, ColorType>> = {
  0: 'gray',
  2: 'rgb',
  3: 'palette',
  4: 'grayAlpha',
  6: 'rgba',
};
export const COLOR_TYPE_RGB = 2;

/** How a row's bytes are predicted from earlier ones (section 9). */
export const FILTER = { none: 0, sub: 1, up: 2, average: 3, paeth: 4 } as const;
