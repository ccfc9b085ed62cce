/** How Y, Cb and Cr stand for red, green and blue. */

import { checkOneOf, readOptions } from '../base/check.ts';
import type { ColorEncoding, ColorRange } from '../picture/picture-colors.ts';

/** How the numbers of a YCbCr picture stand for colours. */
export interface BlitColors {
  /** Default: bt601. */
  readonly encoding?: ColorEncoding | undefined;
  /** Default: limited. */
  readonly range?: ColorRange | undefined;
}

/** What {@link BlitColors} say. */
export type CheckedColors = Required<{ [Name in keyof BlitColors]: NonNullable<BlitColors[Name]> }>;

/**
 * What a webcam means that says sRGB and leaves the rest to the defaults: of V4L2_COLORSPACE_SRGB
 * they are V4L2_YCBCR_ENC_601 and V4L2_QUANTIZATION_LIM_RANGE (videodev2.h).
 */
const COLORS_DEFAULT: CheckedColors = { encoding: 'bt601', range: 'limited' };

const ENCODINGS: readonly ColorEncoding[] = ['bt601', 'bt709', 'bt2020', 'smpte240m'];
const RANGES: readonly ColorRange[] = ['full', 'limited'];

/** What V4L2 says of a frame has two more, which no matrix needs. */
type V4l2Colors = BlitColors & { readonly colorspace?: unknown; readonly transferFunction?: unknown };

/** @throws {TypeError} for what are no colours. `name` is what the caller calls them */
export function readColors(
  colors: BlitColors | undefined,
  { action, name }: { action: string; name: string },
  defaults: CheckedColors = COLORS_DEFAULT,
): CheckedColors {
  if (colors === undefined) return defaults;
  const allowed = ['encoding', 'range', 'colorspace', 'transferFunction'] as const;
  const { encoding = 'bt601', range = 'limited' } = readOptions<V4l2Colors>(colors, action, allowed, name);
  return {
    encoding: checkOneOf(encoding, { action, name: `${name}.encoding`, allowed: ENCODINGS }),
    range: checkOneOf(range, { action, name: `${name}.range`, allowed: RANGES }),
  };
}
