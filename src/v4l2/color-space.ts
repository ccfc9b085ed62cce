/**
 * How the numbers of a picture stand for colours, as V4L2 says of it
 * (Documentation/userspace-api/media/v4l/colorspaces-details.rst).
 */

import type { V4l2PictureFormat } from '../linux/calls/v4l2-format-calls.ts';
import type { ColorEncoding, ColorRange } from '../picture/picture-colors.ts';

/** How the numbers of a picture stand for colours. */
export interface PictureColors {
  /** How Y, Cb and Cr are made. Of no meaning for red, green and blue. */
  readonly encoding: ColorEncoding;
  /** From where to where values go. */
  readonly range: ColorRange;
  /** `V4L2_COLORSPACE_*`: which red, green and blue are meant. 0: the driver does not say. */
  readonly colorspace: number;
  /** `V4L2_XFER_FUNC_*`. 0: that of the colour space. */
  readonly transferFunction: number;
}

/** enum v4l2_colorspace. */
const SMPTE240M = 2;
const REC709 = 3;
const JPEG = 7;
const BT2020 = 10;
const DCI_P3 = 12;

/** enum v4l2_ycbcr_encoding, without its default. */
const ENCODINGS: Readonly<Record<number, ColorEncoding>> = {
  1: 'bt601',
  2: 'bt709',
  3: 'bt601',
  4: 'bt709',
  5: 'bt601',
  6: 'bt2020',
  7: 'bt2020',
  8: 'smpte240m',
};

/** enum v4l2_quantization, without its default. */
const RANGES: Readonly<Record<number, ColorRange>> = { 1: 'full', 2: 'limited' };

/**
 * What a format says of its colours; where it leaves that to the default, the kernel's
 * (V4L2_MAP_YCBCR_ENC_DEFAULT and V4L2_MAP_QUANTIZATION_DEFAULT in videodev2.h).
 *
 * @param isRgb whether its pixels are red, green and blue
 */
export function colorsOf(
  format: Pick<V4l2PictureFormat, 'colorspace' | 'ycbcrEncoding' | 'quantization' | 'transferFunction'>,
  isRgb: boolean,
): PictureColors {
  const { colorspace, ycbcrEncoding, quantization, transferFunction } = format;
  const isFull = isRgb || colorspace === JPEG;
  return Object.freeze({
    encoding: ENCODINGS[ycbcrEncoding] ?? encodingOf(colorspace),
    range: RANGES[quantization] ?? (isFull ? 'full' : 'limited'),
    colorspace,
    transferFunction,
  });
}

function encodingOf(colorspace: number): ColorEncoding {
  if (colorspace === REC709 || colorspace === DCI_P3) return 'bt709';
  if (colorspace === BT2020) return 'bt2020';
  return colorspace === SMPTE240M ? 'smpte240m' : 'bt601';
}
