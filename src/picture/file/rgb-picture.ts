import { assert } from '../../base/assert.ts';

/** A picture in the form of files: a byte each of red, green and blue, row after row. */
export interface RgbPicture {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** {@link RGB_BYTES} per pixel, without gaps between rows. */
  readonly bytes: Uint8Array;
}

/** Of a pixel. */
export const RGB_BYTES = 3;

/** @throws {InvariantError} when the number of bytes is not that of the picture */
export function assertWhole({ width, height, bytes }: RgbPicture): void {
  assert(width > 0 && height > 0, 'A picture has at least one pixel');
  assert(bytes.length === width * height * RGB_BYTES, 'A picture has as many bytes as its pixels need');
}
