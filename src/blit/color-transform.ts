/** From the three components of one picture to those of another, in double precision. */

import type { ColorEncoding } from '../picture/picture-colors.ts';
import type { CheckedColors } from './blit-colors.ts';

/** Three factors, and what is added; values are from 0 to 255. */
type TransformRow = readonly [first: number, second: number, third: number, offset: number];

/** What each component of the result is made of. */
export type ColorTransform = readonly [TransformRow, TransformRow, TransformRow];

/**
 * The shares of red and blue in Y: ITU-R BT.601-7 2.5.1, BT.709-6 3.2, BT.2020-2 table 4 (that of
 * non-constant luminance), SMPTE 240M.
 */
const LUMA_SHARES: Readonly<Record<ColorEncoding, { readonly red: number; readonly blue: number }>> = {
  bt601: { red: 0.299, blue: 0.114 },
  bt709: { red: 0.2126, blue: 0.0722 },
  bt2020: { red: 0.2627, blue: 0.0593 },
  smpte240m: { red: 0.212, blue: 0.087 },
};

const CHROMA_ZERO = 128;

/** Of limited range: where Y begins, and how many steps Y and colours have. */
const LUMA_ZERO = 16;
const LUMA_STEPS = 219;
const CHROMA_STEPS = 224;
const STEPS = 255;

function scaleOf({ range }: CheckedColors): { luma: number; chroma: number; zero: number } {
  return range === 'full'
    ? { luma: 1, chroma: 1, zero: 0 }
    : { luma: LUMA_STEPS / STEPS, chroma: CHROMA_STEPS / STEPS, zero: LUMA_ZERO };
}

function toRgb(colors: CheckedColors): ColorTransform {
  const { red, blue } = LUMA_SHARES[colors.encoding];
  const green = 1 - red - blue;
  const { luma, chroma, zero } = scaleOf(colors);
  const crToRed = (2 * (1 - red)) / chroma;
  const cbToBlue = (2 * (1 - blue)) / chroma;
  const rowOf = (cb: number, cr: number): TransformRow => [1 / luma, cb, cr, -zero / luma - CHROMA_ZERO * (cb + cr)];
  return [rowOf(0, crToRed), rowOf((-cbToBlue * blue) / green, (-crToRed * red) / green), rowOf(cbToBlue, 0)];
}

function fromRgb(colors: CheckedColors): ColorTransform {
  const { red, blue } = LUMA_SHARES[colors.encoding];
  const green = 1 - red - blue;
  const { luma, chroma, zero } = scaleOf(colors);
  const ofBlue = chroma / (2 * (1 - blue));
  const ofRed = chroma / (2 * (1 - red));
  return [
    [red * luma, green * luma, blue * luma, zero],
    [-red * ofBlue, -green * ofBlue, (1 - blue) * ofBlue, CHROMA_ZERO],
    [(1 - red) * ofRed, -green * ofRed, -blue * ofRed, CHROMA_ZERO],
  ];
}

/** What `second` makes of the result of `first`. */
function compose(second: ColorTransform, first: ColorTransform): ColorTransform {
  return second.map(([a, b, c, offset]) =>
    [0, 1, 2, 3].map((index) => {
      const sum = a * at(first[0], index) + b * at(first[1], index) + c * at(first[2], index);
      return index === 3 ? sum + offset : sum;
    }),
  ) as unknown as ColorTransform;
}

function at(row: TransformRow, index: number): number {
  return row[index] as number;
}

/**
 * From one picture's components to another's.
 *
 * @param source undefined for red, green and blue
 * @param destination undefined for red, green and blue
 * @returns undefined where they are the same
 */
export function colorTransform(
  source: CheckedColors | undefined,
  destination: CheckedColors | undefined,
): ColorTransform | undefined {
  if (source === undefined) return destination && fromRgb(destination);
  if (destination === undefined) return toRgb(source);
  if (source.encoding === destination.encoding && source.range === destination.range) return undefined;
  return compose(fromRgb(destination), toRgb(source));
}
