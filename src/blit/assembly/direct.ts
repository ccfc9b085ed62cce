// YCbCr to red, green, blue and a byte more in one pass, for pictures that are neither scaled nor
// turned: what cameras give and screens show. In 16 bits with 6 of fraction. The products are
// rounded to them (q15mulr), so that a component is less than 0.05 from what double precision has.

import { Job, Kind, Picture } from './job';
import { storeFourBytes } from './pack';
import { TAIL } from './scratch';

const TAIL_SECOND: usize = 64;
const TAIL_THIRD: usize = 128;
const TAIL_OUT: usize = 512;

// Of 16 pixels, each pair with one colour: Y * 128 of the first and of the second of each pair, and
// (C - 128) * 256.
@inline
function storePixels(
  job: Job, isSwapped: bool, to: usize, evenLuma: v128, oddLuma: v128, cb: v128, cr: v128,
): void {
  const luma = i16x8.splat(<i16>job.luma);
  const lumaOffset = i16x8.splat(<i16>job.lumaOffset);
  const even = i16x8.add(i16x8.q15mulr_sat_s(evenLuma, luma), lumaOffset);
  const odd = i16x8.add(i16x8.q15mulr_sat_s(oddLuma, luma), lumaOffset);
  const red = i16x8.q15mulr_sat_s(cr, i16x8.splat(<i16>job.crToRed));
  const green = i16x8.add(
    i16x8.q15mulr_sat_s(cb, i16x8.splat(<i16>job.cbToGreen)),
    i16x8.q15mulr_sat_s(cr, i16x8.splat(<i16>job.crToGreen)),
  );
  const blue = i16x8.q15mulr_sat_s(cb, i16x8.splat(<i16>job.cbToBlue));
  const reds = toBytes(even, odd, red);
  const greens = toBytes(even, odd, green);
  const blues = toBytes(even, odd, blue);
  if (isSwapped) storeFourBytes(to, blues, greens, reds);
  else storeFourBytes(to, reds, greens, blues);
}

// Sums that saturate are beyond 255 anyway.
@inline
function toBytes(even: v128, odd: v128, chroma: v128): v128 {
  const bytes = i8x16.narrow_i16x8_u(
    i16x8.shr_s(i16x8.add_sat_s(even, chroma), 6),
    i16x8.shr_s(i16x8.add_sat_s(odd, chroma), 6),
  );
  return i8x16.shuffle(bytes, bytes, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
}

// 8 words whose low byte is the colour, or whose high byte is.
@inline
function chromaOfLow(words: v128): v128 {
  return v128.xor(i16x8.shl(words, 8), i16x8.splat(-32768));
}

@inline
function chromaOfHigh(words: v128): v128 {
  return v128.xor(v128.and(words, i16x8.splat(-256)), i16x8.splat(-32768));
}

@inline
function lumaOfLow(words: v128): v128 {
  return i16x8.shl(v128.and(words, i16x8.splat(255)), 7);
}

@inline
function lumaOfHigh(words: v128): v128 {
  return i16x8.shr_u(v128.and(words, i16x8.splat(-256)), 1);
}

@inline
function convertPairs(job: Job, isLumaFirst: bool, isCrFirst: bool, isSwapped: bool, from: usize, count: u32, to: usize): void {
  while (count != 0) {
    let out = to;
    if (count < 16) {
      memory.copy(TAIL, from, ((count + 1) >> 1) * 4);
      from = TAIL;
      out = TAIL_OUT;
    }
    const low = v128.load(from);
    const high = v128.load(from, 16);
    const even = i16x8.shuffle(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
    const odd = i16x8.shuffle(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
    const evenLuma = isLumaFirst ? lumaOfLow(even) : lumaOfHigh(even);
    const oddLuma = isLumaFirst ? lumaOfLow(odd) : lumaOfHigh(odd);
    const first = isLumaFirst ? chromaOfHigh(even) : chromaOfLow(even);
    const second = isLumaFirst ? chromaOfHigh(odd) : chromaOfLow(odd);
    storePixels(job, isSwapped, out, evenLuma, oddLuma, isCrFirst ? second : first, isCrFirst ? first : second);
    if (count < 16) {
      memory.copy(to, TAIL_OUT, count * 4);
      return;
    }
    from += 32;
    to += 64;
    count -= 16;
  }
}

@inline
function convertSemiPlanar(
  job: Job, isCrFirst: bool, isSwapped: bool, luma: usize, chroma: usize, count: u32, to: usize,
): void {
  while (count != 0) {
    let out = to;
    if (count < 16) {
      memory.copy(TAIL, luma, count);
      memory.copy(TAIL_SECOND, chroma, ((count + 1) >> 1) * 2);
      luma = TAIL;
      chroma = TAIL_SECOND;
      out = TAIL_OUT;
    }
    const y = v128.load(luma);
    const words = v128.load(chroma);
    const first = chromaOfLow(words);
    const second = chromaOfHigh(words);
    const cb = isCrFirst ? second : first;
    const cr = isCrFirst ? first : second;
    storePixels(job, isSwapped, out, lumaOfLow(y), lumaOfHigh(y), cb, cr);
    if (count < 16) {
      memory.copy(to, TAIL_OUT, count * 4);
      return;
    }
    luma += 16;
    chroma += 16;
    to += 64;
    count -= 16;
  }
}

@inline
function convertPlanar(job: Job, isSwapped: bool, luma: usize, cb: usize, cr: usize, count: u32, to: usize): void {
  while (count != 0) {
    let out = to;
    if (count < 16) {
      memory.copy(TAIL, luma, count);
      memory.copy(TAIL_SECOND, cb, (count + 1) >> 1);
      memory.copy(TAIL_THIRD, cr, (count + 1) >> 1);
      luma = TAIL;
      cb = TAIL_SECOND;
      cr = TAIL_THIRD;
      out = TAIL_OUT;
    }
    const y = v128.load(luma);
    const cbWords = chromaOfLow(v128.load8x8_u(cb));
    const crWords = chromaOfLow(v128.load8x8_u(cr));
    storePixels(job, isSwapped, out, lumaOfLow(y), lumaOfHigh(y), cbWords, crWords);
    if (count < 16) {
      memory.copy(to, TAIL_OUT, count * 4);
      return;
    }
    luma += 16;
    cb += 8;
    cr += 8;
    to += 64;
    count -= 16;
  }
}

// One row. The source's rectangle begins with the first pixel of a pair.
export function convertRow(job: Job, source: Picture, destination: Picture, sourceRow: u32, row: u32): void {
  const count = job.scaledWidth;
  const x = source.x;
  const luma = source.plane0 + <usize>sourceRow * source.stride0;
  const to = destination.plane0 + <usize>row * destination.stride0 + destination.x * 4;
  const isSwapped = destination.swapped != 0;
  const isCrFirst = source.swapped != 0;
  if (source.kind == Kind.LumaFirst || source.kind == Kind.ChromaFirst) {
    const from = luma + x * 2;
    const isLumaFirst = source.kind == Kind.LumaFirst;
    if (isSwapped) pairsSwapped(job, isLumaFirst, isCrFirst, from, count, to);
    else pairs(job, isLumaFirst, isCrFirst, from, count, to);
    return;
  }
  const chromaRow = <usize>(sourceRow >> source.verticalShift);
  const chroma1 = source.plane1 + chromaRow * source.stride1;
  if (source.kind == Kind.SemiPlanar) {
    if (isSwapped) semiPlanarSwapped(job, isCrFirst, luma + x, chroma1 + x, count, to);
    else semiPlanar(job, isCrFirst, luma + x, chroma1 + x, count, to);
    return;
  }
  const first = chroma1 + (x >> 1);
  const second = source.plane2 + chromaRow * source.stride2 + (x >> 1);
  const cb = isCrFirst ? second : first;
  const cr = isCrFirst ? first : second;
  if (isSwapped) convertPlanar(job, true, luma + x, cb, cr, count, to);
  else convertPlanar(job, false, luma + x, cb, cr, count, to);
}

function pairs(job: Job, isLumaFirst: bool, isCrFirst: bool, from: usize, count: u32, to: usize): void {
  if (isLumaFirst) {
    if (isCrFirst) convertPairs(job, true, true, false, from, count, to);
    else convertPairs(job, true, false, false, from, count, to);
  } else {
    if (isCrFirst) convertPairs(job, false, true, false, from, count, to);
    else convertPairs(job, false, false, false, from, count, to);
  }
}

function pairsSwapped(job: Job, isLumaFirst: bool, isCrFirst: bool, from: usize, count: u32, to: usize): void {
  if (isLumaFirst) {
    if (isCrFirst) convertPairs(job, true, true, true, from, count, to);
    else convertPairs(job, true, false, true, from, count, to);
  } else {
    if (isCrFirst) convertPairs(job, false, true, true, from, count, to);
    else convertPairs(job, false, false, true, from, count, to);
  }
}

function semiPlanar(job: Job, isCrFirst: bool, luma: usize, chroma: usize, count: u32, to: usize): void {
  if (isCrFirst) convertSemiPlanar(job, true, false, luma, chroma, count, to);
  else convertSemiPlanar(job, false, false, luma, chroma, count, to);
}

function semiPlanarSwapped(job: Job, isCrFirst: bool, luma: usize, chroma: usize, count: u32, to: usize): void {
  if (isCrFirst) convertSemiPlanar(job, true, true, luma, chroma, count, to);
  else convertSemiPlanar(job, false, true, luma, chroma, count, to);
}
