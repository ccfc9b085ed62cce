// What JavaScript writes at JOB, word for word as src/blit/blit-job.ts orders it.

// How pixels are stored.
export const enum Kind {
  // Y Cb Y Cr in four bytes.
  LumaFirst = 0,
  // Cb Y Cr Y.
  ChromaFirst = 1,
  // A plane of Y, one of Cb and Cr by turns.
  SemiPlanar = 2,
  // A plane each.
  Planar = 3,
  // Blue, green, red and one byte more.
  FourBytes = 4,
  // Blue, green, red.
  ThreeBytes = 5,
  // 5, 6 and 5 bits, blue lowest.
  SixteenBits = 6,
}

@unmanaged
export class Picture {
  kind: i32;
  // Cr before Cb, or red before blue.
  swapped: u32;
  // Of the rows of colour: 1 where two rows share one.
  verticalShift: u32;
  plane0: usize;
  stride0: u32;
  plane1: usize;
  stride1: u32;
  plane2: usize;
  stride2: u32;
  // The rectangle's place, in pixels.
  x: u32;
  y: u32;
}

// One component of the result: what each of the three is multiplied with, and what is added.
@unmanaged
export class Row3 {
  // Two factors of 16 bits, the first one lowest.
  first2: u32;
  third: u32;
  offset: i32;
}

export const enum Filter {
  None = 0,
  Nearest = 1,
  Bilinear = 2,
}

@unmanaged
export class Job {
  filter: u32;
  transposed: u32;
  reversedX: u32;
  reversedY: u32;
  // The rectangle of the source.
  sourceWidth: u32;
  sourceHeight: u32;
  // The same scaled, before it is turned.
  scaledWidth: u32;
  scaledHeight: u32;
  // Whether the matrix is applied, and how far its results are shifted.
  hasMatrix: u32;
  shift: i32;
  // Of YCbCr to RGB in one pass, in 2^-14 and 2^-13.
  isDirect: u32;
  luma: i32;
  lumaOffset: i32;
  crToRed: i32;
  cbToGreen: i32;
  crToGreen: i32;
  cbToBlue: i32;
}

const JOB_WORDS: usize = 17;
const ROW3_WORDS: usize = 3;
const PICTURE_WORDS: usize = 11;

@inline
export function matrixRow(job: Job, index: usize): Row3 {
  return changetype<Row3>(changetype<usize>(job) + (JOB_WORDS + index * ROW3_WORDS) * 4);
}

@inline
export function sourceOf(job: Job): Picture {
  return changetype<Picture>(changetype<usize>(job) + (JOB_WORDS + 3 * ROW3_WORDS) * 4);
}

@inline
export function destinationOf(job: Job): Picture {
  return changetype<Picture>(changetype<usize>(job) + (JOB_WORDS + 3 * ROW3_WORDS + PICTURE_WORDS) * 4);
}

// Whether two pixels side by side share their colour.
@inline
export function hasPairs(picture: Picture): bool {
  return picture.kind <= Kind.Planar;
}
