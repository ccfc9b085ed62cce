// Three components become three others, by a matrix of 13 fractional bits.

import { Job, Row3, matrixRow } from './job';
import { LINE_BYTES, WIDE_LINE_BYTES } from './scratch';

// One component of 8 pixels: pairs of the first two, and of the third and 0, as i16.
@inline
function component(
  lowPairs: v128, highPairs: v128, lowThird: v128, highThird: v128,
  factors2: v128, factor3: v128, offset: v128, shift: i32,
): v128 {
  const low = i32x4.add(i32x4.dot_i16x8_s(lowPairs, factors2), i32x4.dot_i16x8_s(lowThird, factor3));
  const high = i32x4.add(i32x4.dot_i16x8_s(highPairs, factors2), i32x4.dot_i16x8_s(highThird, factor3));
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(low, offset), shift),
    i32x4.shr_s(i32x4.add(high, offset), shift),
  );
}

@inline
function load8(isWide: bool, line: usize): v128 {
  return isWide ? v128.load(line) : v128.load8x8_u(line);
}

// Inlined with a constant: each of the two becomes a loop of its own.
@inline
function applyMatrix(isWide: bool, job: Job, from: usize, count: u32, to: usize): void {
  const zero = i32x4.splat(0);
  const shift = job.shift;
  const size: usize = isWide ? 2 : 1;
  const lineBytes = isWide ? WIDE_LINE_BYTES : LINE_BYTES;
  const end = to + count;
  // Component by component: the factors of all three would not stay in 16 registers.
  for (let index: usize = 0; index < 3; index += 1) {
    const row: Row3 = matrixRow(job, index);
    const factors2 = i32x4.splat(row.first2);
    const factor3 = i32x4.splat(row.third);
    const offset = i32x4.splat(row.offset);
    let at = from;
    for (let out = to; out < end; out += 8) {
      const a = load8(isWide, at);
      const b = load8(isWide, at + lineBytes);
      const c = load8(isWide, at + 2 * lineBytes);
      const result = component(
        i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11),
        i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15),
        i16x8.shuffle(c, zero, 0, 8, 1, 9, 2, 10, 3, 11),
        i16x8.shuffle(c, zero, 4, 12, 5, 13, 6, 14, 7, 15),
        factors2, factor3, offset, shift,
      );
      v128.store64_lane(out + index * LINE_BYTES, i8x16.narrow_i16x8_u(result, result), 0);
      at += 8 * size;
    }
  }
}

// Up to 7 bytes behind each line are overwritten. `to` may not be `from`.
export function convertLines(job: Job, from: usize, count: u32, to: usize): void {
  applyMatrix(false, job, from, count, to);
}

// From lines of 16 bits.
export function convertWideLines(job: Job, from: usize, count: u32, to: usize): void {
  applyMatrix(true, job, from, count, to);
}
