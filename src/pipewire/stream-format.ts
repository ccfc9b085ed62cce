/** What a stream's pictures are: offered, and agreed on (spa/param/video/format.h). */

import { findVideoFormat, findVideoFormatByNumber } from '../gstreamer/video-format.ts';
import { rowsOf } from '../picture/frame-flaw.ts';
import type { PixelFormat } from '../picture/pixel-format-table.ts';
import { unknownError } from './protocol-error.ts';
import {
  fractionBetween,
  id,
  idAmong,
  object,
  readNumber,
  readObject,
  readPair,
  rectangle,
  rectangleBetween,
} from './spa-pod.ts';
import type { Pod } from './spa-pod.ts';

/** A picture of a stream. */
export interface StreamFormat {
  /** PipeWire's number of the format. */
  readonly number: number;
  readonly pixels: PixelFormat;
  /** Of a row, without what follows it. */
  readonly rowBytes: number;
  readonly width: number;
  readonly height: number;
}

/** SPA_TYPE_OBJECT_Format. */
const OBJECT_FORMAT = 0x4_0003;
const KEY = { mediaType: 1, mediaSubtype: 2, format: 0x2_0001, modifier: 0x2_0002, size: 0x2_0003, rate: 0x2_0004 };
const MEDIA_TYPE_VIDEO = 2;
const MEDIA_SUBTYPE_RAW = 1;
const SIDE_MAX = 16_384;

/** Of one plane. PipeWire's numbers of them (spa/param/video/raw.h) are GStreamer's. */
const FORMATS = ['BGRx', 'RGBx', 'BGRA', 'RGBA', 'YUY2', 'UYVY', 'BGR', 'RGB', 'GRAY8'];

/** The formats that are taken, as a parameter. */
export function offerFormats(parameter: number): Buffer {
  const numbers = FORMATS.map((name) => findVideoFormat(name)?.number ?? 0);
  return object(OBJECT_FORMAT, parameter, [
    [KEY.mediaType, id(MEDIA_TYPE_VIDEO)],
    [KEY.mediaSubtype, id(MEDIA_SUBTYPE_RAW)],
    [KEY.format, idAmong(numbers)],
    [KEY.size, rectangleBetween([640, 480], [1, 1], [SIDE_MAX, SIDE_MAX])],
    [KEY.rate, fractionBetween([30, 1], [0, 1], [1000, 1])],
  ]);
}

/** @throws {DmaBufError} `EOPNOTSUPP` for another format than were offered */
export function readFormat(pod: Pod): StreamFormat {
  const { properties } = readObject(pod);
  const number = readNumber(properties.get(KEY.format));
  const pixels = findVideoFormatByNumber(number)?.pixels;
  if (pixels === undefined || pixels.planes.length !== 1) throw unknownError(`format ${number}`);
  if (properties.has(KEY.modifier)) throw unknownError('a format with a modifier');
  const [width, height] = readPair(properties.get(KEY.size));
  if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX)
    throw unknownError(`a picture of ${width}x${height}`);
  const [plane] = pixels.planes;
  const rowBytes = plane === undefined ? 0 : rowsOf(plane, width, height).rowBytes;
  return { number, pixels, rowBytes, width, height };
}

/** A format that was agreed on, as a parameter. */
export function writeFormat(parameter: number, { number, width, height }: StreamFormat): Buffer {
  return object(OBJECT_FORMAT, parameter, [
    [KEY.mediaType, id(MEDIA_TYPE_VIDEO)],
    [KEY.mediaSubtype, id(MEDIA_SUBTYPE_RAW)],
    [KEY.format, id(number)],
    [KEY.size, rectangle(width, height)],
  ]);
}
