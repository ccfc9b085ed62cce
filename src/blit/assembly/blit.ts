// Copies a rectangle of one picture to a rectangle of another: row by row the source is read,
// scaled, converted, mirrored or turned, and written.

import { convertRow } from './direct';
import { Filter, Job, Kind, Picture, destinationOf, sourceOf } from './job';
import { convertLines, convertWideLines } from './matrix';
import { keepBlockRow, mirrorLines, storeBlock } from './orient';
import { writeRows } from './pack';
import { blendAcross, blendRows, gather } from './scale';
import {
  BAND, BAND_ROWS, BAND_ROW_BYTES, BLENDED, GATHERED, JOB, LINE_PIXELS_MAX, MIRRORED, OUT, OUT_BYTES, ROWS,
  ROW_BYTES, SCALED, SCRATCH_BYTES, X_INDEX, X_WEIGHT, Y_INDEX, Y_WEIGHT,
} from './scratch';
import { readRow } from './unpack';

export const jobOffset: usize = JOB;
export const xIndexOffset: usize = X_INDEX;
export const xWeightOffset: usize = X_WEIGHT;
export const yIndexOffset: usize = Y_INDEX;
export const yWeightOffset: usize = Y_WEIGHT;
export const scratchLength: usize = SCRATCH_BYTES;
export const linePixelsMax: usize = LINE_PIXELS_MAX;

// Which rows lie at ROWS, from which pixel on and where: by the row's lowest bit, so that a row and
// the next one have places of their own.
const NO_ROW: u32 = u32.MAX_VALUE;
let evenRow: u32 = NO_ROW;
let oddRow: u32 = NO_ROW;
let evenLines: usize = 0;
let oddLines: usize = 0;
let keptFirst: u32 = 0;

export function blit(): void {
  const job = changetype<Job>(JOB);
  evenRow = NO_ROW;
  oddRow = NO_ROW;
  if (job.isDirect) return blitDirectly(job);
  if (job.transposed) return blitTransposed(job);
  blitRows(job);
}

// Rows of a plane, byte by byte: `job` is not looked at.
export function copyRows(from: usize, fromStride: u32, to: usize, toStride: u32, bytes: u32, rows: u32): void {
  for (let row: u32 = 0; row < rows; row += 1) {
    memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}

function blitDirectly(job: Job): void {
  const source = sourceOf(job);
  const destination = destinationOf(job);
  const height = job.scaledHeight;
  for (let row: u32 = 0; row < height; row += 1) {
    const sourceRow = job.reversedY ? height - 1 - row : row;
    convertRow(job, source, destination, source.y + sourceRow, destination.y + row);
  }
}

// How many rows from `y` on are written together: two that share their colour, if both are there.
@inline
function rowsTogether(destination: Picture, y: u32, left: u32): u32 {
  return destination.kind <= Kind.Planar && destination.verticalShift != 0 && (y & 1) == 0 && left > 1 ? 2 : 1;
}

function blitRows(job: Job): void {
  const destination = destinationOf(job);
  const height = job.scaledHeight;
  const width = job.scaledWidth;
  let row: u32 = 0;
  while (row < height) {
    const y = destination.y + row;
    const count = rowsTogether(destination, y, height - row);
    const lines = mirroredRow(job, row, OUT);
    const below = count == 2 ? mirroredRow(job, row + 1, OUT + OUT_BYTES) : lines;
    writeRows(destination, y, width, lines, below);
    row += count;
  }
}

function mirroredRow(job: Job, row: u32, out: usize): usize {
  const lines = makeRow(job, job.reversedY ? job.scaledHeight - 1 - row : row, 0, job.scaledWidth, out);
  if (!job.reversedX) return lines;
  mirrorLines(lines, job.scaledWidth, out + MIRRORED);
  return out + MIRRORED;
}

// 16 rows at a time, which are 16 columns of the source.
function blitTransposed(job: Job): void {
  const destination = destinationOf(job);
  const height = job.scaledWidth;
  let row: u32 = 0;
  while (row < height) {
    // Bands begin with the first of two rows that share their colour.
    const count = min(BAND_ROWS - ((destination.y + row) & 1), height - row);
    const first = job.reversedX ? height - row - count : row;
    makeBand(job, first, count);
    writeBand(job, row, count);
    row += count;
  }
}

function makeBand(job: Job, first: u32, count: u32): void {
  const width = job.scaledHeight;
  evenRow = NO_ROW;
  oddRow = NO_ROW;
  for (let x: u32 = 0; x < width; x += 1) {
    const lines = makeRow(job, job.reversedY ? width - 1 - x : x, first, count, OUT);
    keepBlockRow(lines, x & 15);
    if ((x & 15) == 15 || x + 1 == width) storeBlock(x & ~15);
  }
}

@inline
function bandLines(job: Job, index: u32, count: u32): usize {
  return BAND + <usize>(job.reversedX ? count - 1 - index : index) * BAND_ROW_BYTES;
}

function writeBand(job: Job, row: u32, count: u32): void {
  const destination = destinationOf(job);
  let index: u32 = 0;
  while (index < count) {
    const y = destination.y + row + index;
    const together = rowsTogether(destination, y, count - index);
    const lines = bandLines(job, index, count);
    const below = together == 2 ? bandLines(job, index + 1, count) : lines;
    writeRows(destination, y, job.scaledHeight, lines, below);
    index += together;
  }
}

// The lines of a part of a row of the scaled picture, in the destination's colours.
function makeRow(job: Job, row: u32, first: u32, count: u32, out: usize): usize {
  if (job.filter == Filter.Bilinear) return blendRow(job, row, first, count, out);
  const lines = job.filter == Filter.Nearest ? pickRow(job, row, first, count) : readSource(job, row, first, count);
  if (!job.hasMatrix) return lines;
  convertLines(job, lines, count, out);
  return out;
}

function readSource(job: Job, row: u32, first: u32, count: u32): usize {
  const source = sourceOf(job);
  // A place for each of two rows that are written together.
  return readRow(source, source.x + first, source.y + row, count, ROWS + <usize>(row & 1) * ROW_BYTES);
}

// A row of the source, read unless it is there from the last time.
function keptRow(job: Job, row: u32, first: u32, count: u32): usize {
  const isOdd = row & 1;
  if (keptFirst == first && (isOdd ? oddRow : evenRow) == row) return isOdd ? oddLines : evenLines;
  if (keptFirst != first) {
    evenRow = NO_ROW;
    oddRow = NO_ROW;
    keptFirst = first;
  }
  const lines = readSource(job, row, first, count);
  if (isOdd) {
    oddRow = row;
    oddLines = lines;
  } else {
    evenRow = row;
    evenLines = lines;
  }
  return lines;
}

@inline
function tableEntry(table: usize, index: u32): u32 {
  return load<u32>(table + <usize>index * 4);
}

// The nearest pixels. Two rows that are written together have a place each.
function pickRow(job: Job, row: u32, first: u32, count: u32): usize {
  const left = tableEntry(X_INDEX, first);
  const right = tableEntry(X_INDEX, first + count - 1);
  const lines = keptRow(job, tableEntry(Y_INDEX, row), left, right - left + 1);
  const to = job.hasMatrix ? GATHERED : OUT + <usize>(row & 1) * OUT_BYTES;
  gather(lines - left, X_INDEX + <usize>first * 4, count, to);
  return to;
}

function blendRow(job: Job, row: u32, first: u32, count: u32, out: usize): usize {
  const left = tableEntry(X_INDEX, first);
  const right = min(tableEntry(X_INDEX, first + count - 1) + 1, job.sourceWidth - 1);
  const span = right - left + 1;
  const upper = tableEntry(Y_INDEX, row);
  const upperLines = keptRow(job, upper, left, span);
  const lowerLines = keptRow(job, min(upper + 1, job.sourceHeight - 1), left, span);
  blendRows(upperLines, lowerLines, tableEntry(Y_WEIGHT, row), span, BLENDED);
  blendAcross(BLENDED - <usize>left * 2, X_INDEX + <usize>first * 4, X_WEIGHT + <usize>first * 4, count, SCALED);
  convertWideLines(job, SCALED, count, out);
  return out;
}
