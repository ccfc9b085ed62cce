/** The standard colour bars, computed in double precision. */

/** From the left, as red, green and blue from 0 to 1. */
const BARS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 1, 0],
  [0, 1, 1],
  [0, 1, 0],
  [1, 0, 1],
  [1, 0, 0],
  [0, 0, 1],
  [0, 0, 0],
];

/** The bar that column `x` of `width` is in. */
function barAt(x: number, width: number): readonly [number, number, number] {
  return BARS[Math.floor((x * BARS.length) / width)] as readonly [number, number, number];
}

/** Red, green and blue from 0 to 255. */
export function rgbAt(x: number, width: number): [number, number, number] {
  const [red, green, blue] = barAt(x, width);
  return [255 * red, 255 * green, 255 * blue];
}

/** Y, Cb and Cr by ITU-R BT.601, limited range. */
export function ycbcrAt(x: number, width: number): [number, number, number] {
  const [red, green, blue] = barAt(x, width);
  const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  return [16 + 219 * luma, 128 + (224 * (blue - luma)) / 1.772, 128 + (224 * (red - luma)) / 1.402];
}
