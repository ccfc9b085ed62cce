// From pixels as they are stored to three lines of bytes, 16 pixels at a time. Colour that two or
// four pixels share is given to each of them. Up to 15 bytes behind each line are overwritten;
// nothing is read behind the row.

import { Kind, Picture, hasPairs } from './job';
import { LINE_BYTES, TAIL } from './scratch';

// Reads `count` pixels of a row. Returns the lines: at `lines`, or one pixel behind it where the
// first pixel is the second of a pair.
export function readRow(picture: Picture, x: u32, y: u32, count: u32, lines: usize): usize {
  const isSecond = hasPairs(picture) ? x & 1 : 0;
  unpack(picture, x - isSecond, y, count + isSecond, lines);
  return lines + isSecond;
}

function unpack(picture: Picture, x: u32, y: u32, count: u32, lines: usize): void {
  const row = picture.plane0 + <usize>y * picture.stride0;
  const isSwapped = picture.swapped != 0;
  const second = lines + LINE_BYTES;
  const third = second + LINE_BYTES;
  const kind = picture.kind;
  if (hasPairs(picture)) {
    const cb = isSwapped ? third : second;
    const cr = isSwapped ? second : third;
    if (kind == Kind.LumaFirst) return unpackPairs(true, row + x * 2, count, lines, cb, cr);
    if (kind == Kind.ChromaFirst) return unpackPairs(false, row + x * 2, count, lines, cb, cr);
    memory.copy(lines, row + x, count);
    const chromaRow = <usize>(y >> picture.verticalShift);
    const chroma1 = picture.plane1 + chromaRow * picture.stride1;
    if (kind == Kind.SemiPlanar) return unpackChromaPairs(chroma1 + x, count, cb, cr);
    unpackChroma(chroma1 + (x >> 1), count, cb);
    unpackChroma(picture.plane2 + chromaRow * picture.stride2 + (x >> 1), count, cr);
    return;
  }
  const red = isSwapped ? third : lines;
  const blue = isSwapped ? lines : third;
  if (kind == Kind.FourBytes) return unpackFourBytes(row + x * 4, count, red, second, blue);
  if (kind == Kind.ThreeBytes) return unpackThreeBytes(row + x * 3, count, red, second, blue);
  unpackSixteenBits(row + x * 2, count, red, second, blue);
}

// Inlined with a constant: each of the two becomes a loop of its own.
@inline
function unpackPairs(isLumaFirst: bool, from: usize, count: u32, luma: usize, cb: usize, cr: usize): void {
  while (count != 0) {
    if (count < 16) {
      memory.copy(TAIL, from, ((count + 1) >> 1) * 4);
      from = TAIL;
      count = 16;
    }
    const low = v128.load(from);
    const high = v128.load(from, 16);
    const even = i8x16.shuffle(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const odd = i8x16.shuffle(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    const chroma = isLumaFirst ? odd : even;
    v128.store(luma, isLumaFirst ? even : odd);
    v128.store(cb, i8x16.shuffle(chroma, chroma, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14));
    v128.store(cr, i8x16.shuffle(chroma, chroma, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15));
    from += 32;
    luma += 16;
    cb += 16;
    cr += 16;
    count -= 16;
  }
}

function unpackChromaPairs(from: usize, count: u32, cb: usize, cr: usize): void {
  while (count != 0) {
    if (count < 16) {
      memory.copy(TAIL, from, ((count + 1) >> 1) * 2);
      from = TAIL;
      count = 16;
    }
    const chroma = v128.load(from);
    v128.store(cb, i8x16.shuffle(chroma, chroma, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14));
    v128.store(cr, i8x16.shuffle(chroma, chroma, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15));
    from += 16;
    cb += 16;
    cr += 16;
    count -= 16;
  }
}

function unpackChroma(from: usize, count: u32, line: usize): void {
  while (count != 0) {
    if (count < 16) {
      memory.copy(TAIL, from, (count + 1) >> 1);
      from = TAIL;
      count = 16;
    }
    const chroma = v128.load64_zero(from);
    v128.store(line, i8x16.shuffle(chroma, chroma, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7));
    from += 8;
    line += 16;
    count -= 16;
  }
}

function unpackFourBytes(from: usize, count: u32, red: usize, green: usize, blue: usize): void {
  while (count != 0) {
    if (count < 16) {
      memory.copy(TAIL, from, count * 4);
      from = TAIL;
      count = 16;
    }
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    // Eight pixels' blue, then their green.
    const ab = i8x16.shuffle(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
    const cd = i8x16.shuffle(c, d, 0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
    const abRed = i8x16.shuffle(a, b, 2, 6, 10, 14, 18, 22, 26, 30, 0, 0, 0, 0, 0, 0, 0, 0);
    const cdRed = i8x16.shuffle(c, d, 2, 6, 10, 14, 18, 22, 26, 30, 0, 0, 0, 0, 0, 0, 0, 0);
    v128.store(blue, i64x2.shuffle(ab, cd, 0, 2));
    v128.store(green, i64x2.shuffle(ab, cd, 1, 3));
    v128.store(red, i64x2.shuffle(abRed, cdRed, 0, 2));
    from += 64;
    red += 16;
    green += 16;
    blue += 16;
    count -= 16;
  }
}

function unpackThreeBytes(from: usize, count: u32, red: usize, green: usize, blue: usize): void {
  while (count != 0) {
    if (count < 16) {
      memory.copy(TAIL, from, count * 3);
      from = TAIL;
      count = 16;
    }
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    let line = i8x16.shuffle(a, b, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0);
    v128.store(blue, i8x16.shuffle(line, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29));
    line = i8x16.shuffle(a, b, 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0);
    v128.store(green, i8x16.shuffle(line, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30));
    line = i8x16.shuffle(a, b, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0);
    v128.store(red, i8x16.shuffle(line, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31));
    from += 48;
    red += 16;
    green += 16;
    blue += 16;
    count -= 16;
  }
}

// 5 bits as 8: 255 / 31, rounded as in double precision.
@inline
function expand5(value: v128): v128 {
  return i16x8.shr_u(i16x8.add(i16x8.mul(value, i16x8.splat(527)), i16x8.splat(23)), 6);
}

// 6 bits as 8.
@inline
function expand6(value: v128): v128 {
  return i16x8.shr_u(i16x8.add(i16x8.mul(value, i16x8.splat(259)), i16x8.splat(33)), 6);
}

function unpackSixteenBits(from: usize, count: u32, red: usize, green: usize, blue: usize): void {
  const mask5 = i16x8.splat(31);
  const mask6 = i16x8.splat(63);
  while (count != 0) {
    if (count < 16) {
      memory.copy(TAIL, from, count * 2);
      from = TAIL;
      count = 16;
    }
    const a = v128.load(from);
    const b = v128.load(from, 16);
    v128.store(blue, i8x16.narrow_i16x8_u(expand5(v128.and(a, mask5)), expand5(v128.and(b, mask5))));
    const aGreen = v128.and(i16x8.shr_u(a, 5), mask6);
    const bGreen = v128.and(i16x8.shr_u(b, 5), mask6);
    v128.store(green, i8x16.narrow_i16x8_u(expand6(aGreen), expand6(bGreen)));
    v128.store(red, i8x16.narrow_i16x8_u(expand5(i16x8.shr_u(a, 11)), expand5(i16x8.shr_u(b, 11))));
    from += 32;
    red += 16;
    green += 16;
    blue += 16;
    count -= 16;
  }
}
