import { Buffer } from 'node:buffer';

/** How a received frame is read. */
export const READINGS = ['one word a page', 'every byte', 'every byte, by native code'] as const;
export type Reading = (typeof READINGS)[number];

/**
 * The fastest typed array to read in JavaScript: half the time of 4-byte words, and a fifth of that
 * of a BigInt64Array.
 */
const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT;
/** A value that only the last byte of a frame has. */
const MARK = 0xff;
const MARK_WORDS = 8;

/** Small whole numbers, different for every page, and a mark at the end. */
export function fillFrame(bytes: Uint8Array): void {
  const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / WORD_BYTES);
  for (let index = 0; index < words.length; index += 1) words[index] = (index ^ (index >>> 9)) % 127;
  bytes[bytes.length - 1] = MARK;
}

/**
 * Reads a frame that {@link fillFrame} has filled, a multiple of 64 bytes. A frame from
 * `child_process` follows a header of some bytes, so it must be copied as a whole before it can be
 * read as words.
 *
 * @returns a value that depends on everything read: the sum of the words, or the position of the
 * mark
 */
export function readFrame(bytes: Uint8Array, reading: Reading, pageSize: number): number {
  const { buffer, byteOffset, length } = bytes;
  // memchr of the C library, which reads every byte before the one that it finds.
  if (reading === 'every byte, by native code') return Buffer.from(buffer, byteOffset, length).indexOf(MARK);
  const isAligned = byteOffset % WORD_BYTES === 0;
  if (reading === 'every byte') return sumOfAll(wordsOf(isAligned ? bytes : bytes.slice()));
  if (isAligned) return sumOfEach(wordsOf(bytes), pageSize / WORD_BYTES);
  return sumOfEachUnaligned(new DataView(buffer, byteOffset, length), pageSize);
}

function wordsOf({ buffer, byteOffset, length }: Uint8Array): Float64Array {
  return new Float64Array(buffer, byteOffset, length / WORD_BYTES);
}

function sumOfEach(words: Float64Array, step: number): number {
  let sum = 0;
  const { length } = words;
  for (let index = 0; index < length; index += step) sum += words[index] ?? 0;
  return sum;
}

function sumOfEachUnaligned(words: DataView, step: number): number {
  let sum = 0;
  for (let at = 0; at < words.byteLength; at += step) sum += words.getFloat64(at, true);
  return sum;
}

/**
 * In four sums, so that no addition waits for the previous one. Without the last line, which
 * contains the mark.
 */
function sumOfAll(words: Float64Array): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  const end = words.length - MARK_WORDS;
  for (let at = 0; at < end; at += 8) {
    first += (words[at] ?? 0) + (words[at + 4] ?? 0);
    second += (words[at + 1] ?? 0) + (words[at + 5] ?? 0);
    third += (words[at + 2] ?? 0) + (words[at + 6] ?? 0);
    fourth += (words[at + 3] ?? 0) + (words[at + 7] ?? 0);
  }
  return first + second + third + fourth;
}
