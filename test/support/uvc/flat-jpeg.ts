/**
 * Baseline JPEG files of a few kilobytes whose blocks of 8x8 pixels are each of one colour: what a
 * camera sends as MJPG, made without a library (ITU-T T.81).
 */

import { concatenate } from './packed-fields.ts';

/** Y, Cb and Cr of a block, from 0 to 255. */
export type BlockColour = readonly [number, number, number];

const BLOCK = 8;
const MARKERS = { start: 0xd8, end: 0xd9, quantization: 0xdb, frame: 0xc0, huffman: 0xc4, scan: 0xda } as const;
const COMPONENTS = [1, 2, 3];
const BITS_A_SAMPLE = 8;
/** One sample of each component in a block: 4:4:4. */
const NO_SUBSAMPLING = 0x11;
const LAST_COEFFICIENT = 63;

/**
 * How many codes there are of each length from 1 to 16 bits, for the sizes 0 to 11 of a difference:
 * table K.3.
 */
const DC_CODE_COUNTS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/** A single code, of one bit: the block has no more coefficients. */
const AC_CODE_COUNTS = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const END_OF_BLOCK = 0;

/**
 * A picture of whole blocks. Each block's colour comes out as it was given: a flat block has one
 * coefficient, eight times its level, and the quantization is 8.
 */
export function flatJpeg(
  { width, height }: { readonly width: number; readonly height: number },
  colourOf: (column: number, row: number) => BlockColour,
): Uint8Array {
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
  const blocks = Array.from({ length: columns * rows }, (_, index) =>
    colourOf(index % columns, Math.floor(index / columns)),
  );
  return concatenate([
    Uint8Array.of(0xff, MARKERS.start),
    segment(MARKERS.quantization, [0, ...new Uint8Array(BLOCK * BLOCK).fill(BLOCK)]),
    segment(MARKERS.frame, [
      BITS_A_SAMPLE,
      ...big16(height),
      ...big16(width),
      COMPONENTS.length,
      ...COMPONENTS.flatMap((id) => [id, NO_SUBSAMPLING, 0]),
    ]),
    segment(MARKERS.huffman, [0x00, ...DC_CODE_COUNTS, ...DC_SIZES]),
    segment(MARKERS.huffman, [0x10, ...AC_CODE_COUNTS, END_OF_BLOCK]),
    segment(MARKERS.scan, [COMPONENTS.length, ...COMPONENTS.flatMap((id) => [id, 0]), 0, LAST_COEFFICIENT, 0]),
    scanData(blocks),
    Uint8Array.of(0xff, MARKERS.end),
  ]);
}

function segment(marker: number, body: readonly number[]): Uint8Array {
  return Uint8Array.of(0xff, marker, ...big16(body.length + 2), ...body);
}

function big16(value: number): [number, number] {
  return [value >>> 8, value & 0xff];
}

/** For each block and component: how far its level is from the one before, and the end. */
function scanData(blocks: readonly BlockColour[]): Uint8Array {
  const codes = huffmanCodes(DC_CODE_COUNTS);
  const levelsBefore = [128, 128, 128];
  let bits = '';
  for (const colour of blocks) {
    for (const [component, level] of colour.entries()) {
      const difference = level - (levelsBefore[component] ?? 0);
      levelsBefore[component] = level;
      const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
      bits += `${codes[size]}${amplitude(difference, size)}0`;
    }
  }
  return packBits(bits);
}

/** A negative difference is written as the one below it, in `size` bits. */
function amplitude(difference: number, size: number): string {
  if (size === 0) return '';
  const value = difference > 0 ? difference : difference + 2 ** size - 1;
  return value.toString(2).padStart(size, '0');
}

/** The codes in the order of their values: counted upwards, longer ones last (annex C). */
function huffmanCodes(counts: readonly number[]): string[] {
  const codes: string[] = [];
  let code = 0;
  for (const [index, count] of counts.entries()) {
    for (let rest = count; rest > 0; rest -= 1) {
      codes.push(code.toString(2).padStart(index + 1, '0'));
      code += 1;
    }
    code *= 2;
  }
  return codes;
}

/** Ones fill the last byte, and a zero follows each byte of ones. */
function packBits(bits: string): Uint8Array {
  const packed: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    const byte = Number.parseInt(bits.slice(at, at + 8).padEnd(8, '1'), 2);
    packed.push(byte);
    if (byte === 0xff) packed.push(0);
  }
  return Uint8Array.from(packed);
}
