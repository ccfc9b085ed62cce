/** A blit as numbers that the module reads (`Job` in assembly/job.ts, word for word). */

import { assert } from '../base/assert.ts';
import { hasFourBytes } from './blit-format.ts';
import type { BlitSide, CheckedBlit } from './blit-options.ts';
import { colorTransform } from './color-transform.ts';
import type { ColorTransform } from './color-transform.ts';

/** Where a plane's first byte lies in the module's memory. */
type PlaneAddresses = readonly number[];

const FILTER_NONE = 0;
const FILTERS = { nearest: 1, bilinear: 2 } as const;

/** Of the matrix's factors: they are below 4, and have 16 bits with their sign. */
const FACTOR_BITS = 13;
/** Of what is scaled with `bilinear`, before the matrix. */
const FRACTION_BITS = 6;

/** Of the way in one pass (assembly/direct.ts): its values have 6 bits of fraction. */
const DIRECT_BITS = 6;
/** What q15mulr makes of `Y * 128`, and of `(C - 128) * 256`, with a factor of 1. */
const DIRECT_LUMA_BITS = 14;
const DIRECT_CHROMA_BITS = 13;
const CHROMA_ZERO = 128;

/** The size of the source's rectangle as it is scaled, before it is turned. */
export function scaledSize({ destination, transposed }: CheckedBlit): { width: number; height: number } {
  const { width, height } = destination.rectangle;
  return transposed ? { width: height, height: width } : { width, height };
}

/** Whether pixels have to be made that the source does not have, or left out. */
export function isScaled(blit: CheckedBlit): boolean {
  const { width, height } = scaledSize(blit);
  return width !== blit.source.rectangle.width || height !== blit.source.rectangle.height;
}

/** The job's words. */
export function blitJob(blit: CheckedBlit, addresses: Record<'source' | 'destination', PlaneAddresses>): number[] {
  const { source, destination } = blit;
  const scaled = scaledSize(blit);
  const filter = isScaled(blit) ? FILTERS[blit.filter] : FILTER_NONE;
  const transform = colorTransform(source.colors, destination.colors);
  const shift = filter === FILTERS.bilinear ? FACTOR_BITS + FRACTION_BITS : FACTOR_BITS;
  return [
    filter,
    Number(blit.transposed),
    Number(blit.reversedX),
    Number(blit.reversedY),
    source.rectangle.width,
    source.rectangle.height,
    scaled.width,
    scaled.height,
    Number(transform !== undefined),
    shift,
    ...directWords(blit, filter, transform),
    ...(transform ?? IDENTITY).flatMap((row) => matrixWords(row, shift)),
    ...pictureWords(source, addresses.source),
    ...pictureWords(destination, addresses.destination),
  ];
}

const IDENTITY: ColorTransform = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
];

const HALF = 0.5;

function matrixWords([first, second, third, offset]: ColorTransform[number], shift: number): number[] {
  const factors = [first, second, third].map((factor) => Math.round(factor * 2 ** FACTOR_BITS));
  assert(
    factors.every((factor) => Math.abs(factor) < 2 ** 15),
    'The factors of a matrix must fit 16 bits',
  );
  const [a, b, c] = factors as [number, number, number];
  return [pairOf(a, b), pairOf(c, 0), Math.round((offset + HALF) * 2 ** shift)];
}

/** Two numbers of 16 bits as one word, the first one lowest. */
function pairOf(low: number, high: number): number {
  return (low & 0xffff) | (high << 16);
}

/** Whether the one pass does it: YCbCr to four bytes, neither scaled nor mirrored nor turned. */
function isDirect(blit: CheckedBlit, filter: number): boolean {
  const { source, destination, transposed, reversedX } = blit;
  const isUnmoved = filter === FILTER_NONE && !transposed && !reversedX && source.rectangle.x % 2 === 0;
  return isUnmoved && source.format.isYcbcr && hasFourBytes(destination.format);
}

function directWords(blit: CheckedBlit, filter: number, transform: ColorTransform | undefined): number[] {
  if (transform === undefined || !isDirect(blit, filter)) return [0, 0, 0, 0, 0, 0, 0];
  const [[luma, , crToRed, offset], [, cbToGreen, crToGreen], [, cbToBlue]] = transform;
  const lumaOffset = offset + CHROMA_ZERO * crToRed + HALF;
  return [
    1,
    Math.round(luma * 2 ** DIRECT_LUMA_BITS),
    Math.round(lumaOffset * 2 ** DIRECT_BITS),
    ...[crToRed, cbToGreen, crToGreen, cbToBlue].map((factor) => Math.round(factor * 2 ** DIRECT_CHROMA_BITS)),
  ];
}

function pictureWords({ frame, format, rectangle }: BlitSide, addresses: PlaneAddresses): number[] {
  const planeWords = [0, 1, 2].flatMap((index) => [addresses[index] ?? 0, frame.planes[index]?.stride ?? 0]);
  return [format.kind, Number(format.swapped), format.verticalShift, ...planeWords, rectangle.x, rectangle.y];
}
