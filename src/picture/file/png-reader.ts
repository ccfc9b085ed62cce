import { inflateSync } from 'node:zlib';

import { crc32 } from './crc32.ts';
import { PictureFileError } from './picture-file-error.ts';
import { CHUNK_CRC_BYTES, CHUNK_HEAD_BYTES, COLOR_TYPES, HEADER_BYTES, PNG_SIGNATURE } from './png-chunk.ts';
import type { ColorType } from './png-chunk.ts';
import { undoFilters } from './png-filters.ts';
import { RGB_BYTES } from './rgb-picture.ts';
import type { RgbPicture } from './rgb-picture.ts';

/** 16,384 x 16,384: beyond any screen, and 768 MiB as RGB. */
const PIXELS_MAX = 2 ** 28;
const BITS_A_SAMPLE = 8;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly colorType: Exclude<ColorType, 'palette'>;
}

const SAMPLES: Readonly<Record<Header['colorType'], number>> = { gray: 1, grayAlpha: 2, rgb: 3, rgba: 4 };

/**
 * Reads a PNG file of 8 bits per sample. Drops transparency.
 *
 * @throws {PictureFileError} for a file that is broken, has a palette, 16 bits per sample or
 *   interlacing
 */
export function decodePng(file: Uint8Array): RgbPicture {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!PNG_SIGNATURE.every((byte, index) => bytes[index] === byte))
    throw refusal('its first bytes are not those of one');
  const chunks = [...readChunks(bytes)];
  const header = readHeader(chunks[0]);
  const parts = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data);
  const samples = SAMPLES[header.colorType];
  const rowBytes = header.width * samples;
  const filtered = inflate(Buffer.concat(parts), (1 + rowBytes) * header.height);
  const rows = undoFilters(filtered, { rowBytes, pixelBytes: samples });
  return { width: header.width, height: header.height, bytes: toRgb(rows, header) };
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

function* readChunks(file: Buffer): Generator<Chunk, void, undefined> {
  let at = PNG_SIGNATURE.length;
  while (at < file.length) {
    if (at + CHUNK_HEAD_BYTES > file.length) throw refusal('it ends within a chunk');
    const end = at + CHUNK_HEAD_BYTES + file.readUInt32BE(at);
    if (end + CHUNK_CRC_BYTES > file.length) throw refusal('it ends within a chunk');
    const body = file.subarray(at + 4, end);
    if (crc32(body) !== file.readUInt32BE(end)) throw refusal(`a check sum is wrong at byte ${end}`);
    const type = body.toString('latin1', 0, 4);
    yield { type, data: body.subarray(4) };
    if (type === 'IEND') return;
    at = end + CHUNK_CRC_BYTES;
  }
  throw refusal('its end is missing');
}

function readHeader(chunk: Chunk | undefined): Header {
  if (chunk?.type !== 'IHDR' || chunk.data.length !== HEADER_BYTES) throw refusal('it has no header');
  const [width, height] = [chunk.data.readUInt32BE(0), chunk.data.readUInt32BE(4)];
  const [bits, color = -1, , , interlacing] = chunk.data.subarray(8);
  const colorType = COLOR_TYPES[color];
  if (width === 0 || height === 0 || width * height > PIXELS_MAX) throw refusal(`it has ${width} x ${height} pixels`);
  if (bits !== BITS_A_SAMPLE) throw refusal(`it has ${bits} bits a sample, and 8 are read`);
  if (colorType === undefined || colorType === 'palette') throw refusal('its colors are of a palette');
  if (interlacing !== 0) throw refusal('it is interlaced');
  return { width, height, colorType };
}

function inflate(data: Buffer, lengthBytes: number): Buffer {
  let rows: Buffer;
  try {
    rows = inflateSync(data, { maxOutputLength: lengthBytes });
  } catch (cause) {
    throw refusal('its pixels cannot be unpacked', cause);
  }
  if (rows.length !== lengthBytes) throw refusal(`it has ${rows.length} bytes of pixels, not ${lengthBytes}`);
  return rows;
}

function toRgb(rows: Uint8Array, { width, height, colorType }: Header): Uint8Array {
  if (colorType === 'rgb') return rows;
  const samples = SAMPLES[colorType];
  const isGray = samples < RGB_BYTES;
  const bytes = new Uint8Array(width * height * RGB_BYTES);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let color = 0; color < RGB_BYTES; color += 1) {
      bytes[pixel * RGB_BYTES + color] = rows[pixel * samples + (isGray ? 0 : color)] as number;
    }
  }
  return bytes;
}

function refusal(why: string, cause?: unknown): PictureFileError {
  return new PictureFileError(`Cannot read the PNG file as ${why}`, { cause });
}
