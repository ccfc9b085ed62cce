// From three lines of bytes to pixels as they are stored, 16 at a time. Nothing is written beside
// the row's own pixels, but colour that a pixel at the edge shares with one outside.

import { Kind, Picture, hasPairs } from './job';
import { LINE_BYTES, TAIL } from './scratch';

// Writes `count` pixels to one row, or to two that share their colour: `below` are the second's
// lines, or `lines` again.
export function writeRows(picture: Picture, y: u32, count: u32, lines: usize, below: usize): void {
  if (!hasPairs(picture)) return packRgb(picture, y, count, lines);
  const kind = picture.kind;
  if (kind == Kind.LumaFirst || kind == Kind.ChromaFirst) return packPairs(picture, y, count, lines);
  const luma = picture.plane0 + <usize>y * picture.stride0 + picture.x;
  memory.copy(luma, lines, count);
  if (below != lines) memory.copy(luma + picture.stride0, below, count);
  packChromaPlanes(picture, y, count, lines, below);
}

// Completes the pairs of a line at its ends: a pixel alone gives its colour by itself.
function completePairs(line: usize, isSecond: u32, count: u32): void {
  if (isSecond) store<u8>(line - 1, load<u8>(line));
  if ((count + isSecond) & 1) store<u8>(line + count, load<u8>(line + count - 1));
}

// The mean of each pair in two lines, as 8 numbers of 16 bits.
@inline
function meansOf(line: usize, below: usize): v128 {
  const sums = i16x8.add(
    i16x8.extadd_pairwise_i8x16_u(v128.load(line)),
    i16x8.extadd_pairwise_i8x16_u(v128.load(below)),
  );
  return i16x8.shr_u(i16x8.add(sums, i16x8.splat(2)), 2);
}

function packChromaPlanes(picture: Picture, y: u32, count: u32, lines: usize, below: usize): void {
  const isSecond = picture.x & 1;
  const isSwapped = picture.swapped != 0;
  const cb: usize = isSwapped ? 2 * LINE_BYTES : LINE_BYTES;
  const cr: usize = isSwapped ? LINE_BYTES : 2 * LINE_BYTES;
  completePairs(lines + cb, isSecond, count);
  completePairs(lines + cr, isSecond, count);
  if (below != lines) {
    completePairs(below + cb, isSecond, count);
    completePairs(below + cr, isSecond, count);
  }
  lines -= isSecond;
  below -= isSecond;
  const pairCount = (count + isSecond + 1) >> 1;
  const pair = <usize>(picture.x >> 1);
  const row = <usize>(y >> picture.verticalShift);
  const plane1 = picture.plane1 + row * picture.stride1;
  if (picture.kind == Kind.SemiPlanar) {
    packChromaPairs(plane1 + pair * 2, pairCount, lines + cb, below + cb, lines + cr, below + cr);
    return;
  }
  packChroma(plane1 + pair, pairCount, lines + cb, below + cb);
  packChroma(picture.plane2 + row * picture.stride2 + pair, pairCount, lines + cr, below + cr);
}

function packChromaPairs(to: usize, count: u32, cb: usize, cbBelow: usize, cr: usize, crBelow: usize): void {
  while (count != 0) {
    const out = count < 8 ? TAIL : to;
    v128.store(out, v128.or(meansOf(cb, cbBelow), i16x8.shl(meansOf(cr, crBelow), 8)));
    if (count < 8) {
      memory.copy(to, TAIL, count * 2);
      return;
    }
    to += 16;
    cb += 16;
    cbBelow += 16;
    cr += 16;
    crBelow += 16;
    count -= 8;
  }
}

function packChroma(to: usize, count: u32, line: usize, below: usize): void {
  while (count != 0) {
    const out = count < 8 ? TAIL : to;
    const means = meansOf(line, below);
    v128.store64_lane(out, i8x16.narrow_i16x8_u(means, means), 0);
    if (count < 8) {
      memory.copy(to, TAIL, count);
      return;
    }
    to += 8;
    line += 16;
    below += 16;
    count -= 8;
  }
}

function packPairs(picture: Picture, y: u32, count: u32, lines: usize): void {
  const isSecond = picture.x & 1;
  const isSwapped = picture.swapped != 0;
  const isLumaFirst = picture.kind == Kind.LumaFirst;
  const second = lines + LINE_BYTES;
  const third = second + LINE_BYTES;
  completePairs(second, isSecond, count);
  completePairs(third, isSecond, count);
  const to = picture.plane0 + <usize>y * picture.stride0 + (picture.x - isSecond) * 2;
  const pairCount = (count + isSecond + 1) >> 1;
  // Beside the rectangle, brightness stays.
  const luma = to + (isLumaFirst ? 0 : 1);
  if (isSecond) store<u8>(lines - 1, load<u8>(luma));
  if ((count + isSecond) & 1) store<u8>(lines + count, load<u8>(luma + pairCount * 4 - 2));
  const cb = (isSwapped ? third : second) - isSecond;
  const cr = (isSwapped ? second : third) - isSecond;
  if (isLumaFirst) storePairs(true, to, pairCount, lines - isSecond, cb, cr);
  else storePairs(false, to, pairCount, lines - isSecond, cb, cr);
}

// Inlined with a constant: each of the two becomes a loop of its own.
@inline
function storePairs(isLumaFirst: bool, to: usize, count: u32, luma: usize, cb: usize, cr: usize): void {
  while (count != 0) {
    const out = count < 8 ? TAIL : to;
    const chroma = v128.or(meansOf(cb, cb), i16x8.shl(meansOf(cr, cr), 8));
    const brightness = v128.load(luma);
    const even = isLumaFirst ? brightness : chroma;
    const odd = isLumaFirst ? chroma : brightness;
    v128.store(out, i8x16.shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    v128.store(out, i8x16.shuffle(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
    if (count < 8) {
      memory.copy(to, TAIL, count * 4);
      return;
    }
    to += 32;
    luma += 16;
    cb += 16;
    cr += 16;
    count -= 8;
  }
}

function packRgb(picture: Picture, y: u32, count: u32, lines: usize): void {
  const green = lines + LINE_BYTES;
  const third = green + LINE_BYTES;
  const red = picture.swapped ? third : lines;
  const blue = picture.swapped ? lines : third;
  const row = picture.plane0 + <usize>y * picture.stride0;
  if (picture.kind == Kind.FourBytes) return packFourBytes(row + picture.x * 4, count, red, green, blue);
  if (picture.kind == Kind.ThreeBytes) return packThreeBytes(row + picture.x * 3, count, red, green, blue);
  packSixteenBits(row + picture.x * 2, count, red, green, blue);
}

// Stores 16 pixels of four bytes, the fourth 255.
@inline
export function storeFourBytes(to: usize, red: v128, green: v128, blue: v128): void {
  const opaque = i8x16.splat(-1);
  const low = i8x16.shuffle(blue, green, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const high = i8x16.shuffle(blue, green, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const lowRed = i8x16.shuffle(red, opaque, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const highRed = i8x16.shuffle(red, opaque, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(to, i16x8.shuffle(low, lowRed, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(to, i16x8.shuffle(low, lowRed, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  v128.store(to, i16x8.shuffle(high, highRed, 0, 8, 1, 9, 2, 10, 3, 11), 32);
  v128.store(to, i16x8.shuffle(high, highRed, 4, 12, 5, 13, 6, 14, 7, 15), 48);
}

function packFourBytes(to: usize, count: u32, red: usize, green: usize, blue: usize): void {
  while (count != 0) {
    storeFourBytes(count < 16 ? TAIL : to, v128.load(red), v128.load(green), v128.load(blue));
    if (count < 16) {
      memory.copy(to, TAIL, count * 4);
      return;
    }
    to += 64;
    red += 16;
    green += 16;
    blue += 16;
    count -= 16;
  }
}

function packThreeBytes(to: usize, count: u32, red: usize, green: usize, blue: usize): void {
  while (count != 0) {
    const out = count < 16 ? TAIL : to;
    const b = v128.load(blue);
    const g = v128.load(green);
    const r = v128.load(red);
    let bytes = i8x16.shuffle(b, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
    v128.store(out, i8x16.shuffle(bytes, r, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
    bytes = i8x16.shuffle(b, g, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
    v128.store(out, i8x16.shuffle(bytes, r, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15), 16);
    bytes = i8x16.shuffle(b, g, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
    v128.store(out, i8x16.shuffle(bytes, r, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31), 32);
    if (count < 16) {
      memory.copy(to, TAIL, count * 3);
      return;
    }
    to += 48;
    red += 16;
    green += 16;
    blue += 16;
    count -= 16;
  }
}

// 8 bits as 5: 31 / 255, rounded as in double precision.
@inline
function reduce5(value: v128): v128 {
  return i16x8.shr_u(i16x8.add(i16x8.mul(value, i16x8.splat(249)), i16x8.splat(1014)), 11);
}

// 8 bits as 6.
@inline
function reduce6(value: v128): v128 {
  return i16x8.shr_u(i16x8.add(i16x8.mul(value, i16x8.splat(253)), i16x8.splat(505)), 10);
}

@inline
function sixteenBits(red: v128, green: v128, blue: v128): v128 {
  return v128.or(v128.or(i16x8.shl(reduce5(red), 11), i16x8.shl(reduce6(green), 5)), reduce5(blue));
}

function packSixteenBits(to: usize, count: u32, red: usize, green: usize, blue: usize): void {
  while (count != 0) {
    const out = count < 16 ? TAIL : to;
    v128.store(out, sixteenBits(v128.load8x8_u(red), v128.load8x8_u(green), v128.load8x8_u(blue)));
    v128.store(out, sixteenBits(v128.load8x8_u(red, 8), v128.load8x8_u(green, 8), v128.load8x8_u(blue, 8)), 16);
    if (count < 16) {
      memory.copy(to, TAIL, count * 2);
      return;
    }
    to += 32;
    red += 16;
    green += 16;
    blue += 16;
    count -= 16;
  }
}
