// Rows of another size than the source's, by tables of which pixels they are made of.

import { LINE_BYTES, WIDE_LINE_BYTES } from './scratch';

// Of the weights, which are two numbers of 16 bits that add up to 2^14.
const WEIGHT_BITS: i32 = 14;
// From bytes times weights to 6 bits of fraction.
const BLEND_SHIFT: i32 = WEIGHT_BITS - 6;

// Each pixel is that of the source which the table names. `from` is where pixel 0 would be.
export function gather(from: usize, indexes: usize, count: u32, to: usize): void {
  const end = indexes + <usize>count * 4;
  while (indexes < end) {
    const at = from + load<u32>(indexes);
    store<u8>(to, load<u8>(at));
    store<u8>(to + LINE_BYTES, load<u8>(at + LINE_BYTES));
    store<u8>(to + 2 * LINE_BYTES, load<u8>(at + 2 * LINE_BYTES));
    indexes += 4;
    to += 1;
  }
}

// Between two rows. `weights` are the upper row's and the lower one's.
export function blendRows(upper: usize, lower: usize, weights: u32, count: u32, to: usize): void {
  for (let index: usize = 0; index < 3; index += 1) {
    blendRow(upper + index * LINE_BYTES, lower + index * LINE_BYTES, weights, count, to + index * WIDE_LINE_BYTES);
  }
}

function blendRow(upper: usize, lower: usize, weights: u32, count: u32, to: usize): void {
  const factors = i32x4.splat(weights);
  const half = i32x4.splat(1 << (BLEND_SHIFT - 1));
  const end = to + <usize>count * 2;
  let out = to;
  while (out < end) {
    const a = v128.load8x8_u(upper);
    const b = v128.load8x8_u(lower);
    const low = i32x4.dot_i16x8_s(i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11), factors);
    const high = i32x4.dot_i16x8_s(i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15), factors);
    v128.store(
      out,
      i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(low, half), BLEND_SHIFT),
        i32x4.shr_s(i32x4.add(high, half), BLEND_SHIFT),
      ),
    );
    upper += 8;
    lower += 8;
    out += 16;
  }
  // The last pixel has no neighbour but itself.
  store<u16>(end, load<u16>(end - 2));
}

// Between pixels side by side. `from` is where pixel 0 would be.
export function blendAcross(from: usize, indexes: usize, weights: usize, count: u32, to: usize): void {
  for (let index: usize = 0; index < 3; index += 1) {
    blendLine(from + index * WIDE_LINE_BYTES, indexes, weights, count, to + index * WIDE_LINE_BYTES);
  }
}

@inline
function blendFour(from: usize, indexes: usize, weights: usize): v128 {
  // Each load takes a pixel and its neighbour.
  let pairs = v128.load32_zero(from + load<u32>(indexes) * 2);
  pairs = v128.load32_lane(from + load<u32>(indexes, 4) * 2, pairs, 1);
  pairs = v128.load32_lane(from + load<u32>(indexes, 8) * 2, pairs, 2);
  pairs = v128.load32_lane(from + load<u32>(indexes, 12) * 2, pairs, 3);
  const sums = i32x4.dot_i16x8_s(pairs, v128.load(weights));
  return i32x4.shr_s(i32x4.add(sums, i32x4.splat(1 << (WEIGHT_BITS - 1))), WEIGHT_BITS);
}

// Reads up to 7 entries of the tables behind the last one, which stay within the source's row.
function blendLine(from: usize, indexes: usize, weights: usize, count: u32, to: usize): void {
  const end = to + <usize>count * 2;
  while (to < end) {
    const low = blendFour(from, indexes, weights);
    const high = blendFour(from, indexes + 16, weights + 16);
    v128.store(to, i16x8.narrow_i32x4_s(low, high));
    indexes += 32;
    weights += 32;
    to += 16;
  }
}
