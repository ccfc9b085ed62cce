/**
 * YUV4MPEG2, the uncompressed video that ffmpeg and mpv read: a line of text, then frames after a
 * line each (man 5 yuv4mpeg of mjpegtools). 4:2:0 with one byte per sample.
 */

import { PictureFileError } from './picture-file-error.ts';

/** The contents of a file's first line. */
interface Y4mHeader {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Frames per second, as a fraction. */
  readonly rate: { readonly numerator: number; readonly denominator: number };
}

/** One frame, plane after plane. */
interface Y4mVideo extends Y4mHeader {
  readonly frames: readonly Uint8Array[];
}

const SIGNATURE = 'YUV4MPEG2 ';
const FRAME = 'FRAME';
const LINE_END = 0x0a;
/** The longest accepted first line. */
const LINE_BYTES_MAX = 1024;
/** 16,384 x 16,384. */
const PIXELS_MAX = 2 ** 28;
/**
 * Chroma is between two pixels of a row in JPEG, and over the left one in MPEG-2. Both are
 * accepted.
 */
const COLOR_SPACES = /^420(?:jpeg|mpeg2|paldv)?$/u;
const RATE_DEFAULT = { numerator: 25, denominator: 1 } as const;

/** The first line of a file, as bytes. */
export function y4mHead({ width, height, rate }: Y4mHeader): Buffer {
  const text = `${SIGNATURE}W${width} H${height} F${rate.numerator}:${rate.denominator} Ip A1:1 C420mpeg2\n`;
  return Buffer.from(text, 'latin1');
}

/** The line before each frame, as bytes. */
export function y4mFrameHead(): Buffer {
  return Buffer.from(`${FRAME}\n`, 'latin1');
}

/** Of Y, then U and V of half the size, rounded up. */
export function y4mFrameBytes({ width, height }: Pick<Y4mHeader, 'width' | 'height'>): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/**
 * Reads a whole file.
 *
 * @returns frames that are parts of `file`
 * @throws {PictureFileError} for a file that is broken, or whose chroma is not 4:2:0 with 8 bits
 */
export function decodeY4m(file: Uint8Array): Y4mVideo {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const headEnd = lineEnd(bytes, 0);
  const header = readHeader(bytes.toString('latin1', 0, headEnd));
  const frameBytes = y4mFrameBytes(header);
  const frames: Uint8Array[] = [];
  for (let at = headEnd + 1; at < bytes.length;) {
    const end = lineEnd(bytes, at);
    if (!bytes.toString('latin1', at, end).startsWith(FRAME)) throw refusal(`no frame begins at byte ${at}`);
    at = end + 1 + frameBytes;
    if (at > bytes.length) throw refusal(`it ends within frame ${frames.length}`);
    frames.push(bytes.subarray(end + 1, at));
  }
  if (frames.length === 0) throw refusal('it has no frames');
  return { ...header, frames };
}

function lineEnd(bytes: Buffer, from: number): number {
  const end = bytes.subarray(from, from + LINE_BYTES_MAX).indexOf(LINE_END);
  if (end === -1) throw refusal(`there is no line at byte ${from}`);
  return from + end;
}

function readHeader(line: string): Y4mHeader {
  if (!line.startsWith(SIGNATURE)) throw refusal('its first line is not that of one');
  // One letter, then its value.
  const words = new Map(
    line
      .slice(SIGNATURE.length)
      .split(' ')
      .map((word) => [word.slice(0, 1), word.slice(1)]),
  );
  const [width, height] = [toPixels(words.get('W')), toPixels(words.get('H'))];
  const colorSpace = words.get('C') ?? '420';
  if (width * height === 0 || width * height > PIXELS_MAX) throw refusal(`it has ${width} x ${height} pixels`);
  if (!COLOR_SPACES.test(colorSpace)) throw refusal(`its color space is ${colorSpace}, and 420 is read`);
  return { width, height, rate: toRate(words.get('F')) };
}

function toPixels(text = ''): number {
  return /^\d{1,5}$/u.test(text) ? Number(text) : 0;
}

/** `0:0` where a file gives no rate. */
function toRate(text = ''): Y4mHeader['rate'] {
  const groups = /^(?<numerator>[1-9]\d{0,8}):(?<denominator>[1-9]\d{0,8})$/u.exec(text)?.groups;
  if (groups === undefined) return RATE_DEFAULT;
  return { numerator: Number(groups['numerator']), denominator: Number(groups['denominator']) };
}

function refusal(why: string): PictureFileError {
  return new PictureFileError(`Cannot read the Y4M file as ${why}`);
}
