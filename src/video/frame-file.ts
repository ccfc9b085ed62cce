import { extname } from 'node:path';

import { DmaBufError } from '../base/errors.ts';
import { y4mFrameHead, y4mHead } from '../picture/file/y4m.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';
import type { FrameConverter } from './frame-converter.ts';

/** What a file of frames can be. */
export type FrameFileKind = 'png' | 'jpeg' | 'y4m' | 'raw';

const KINDS: Readonly<Record<string, FrameFileKind>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.y4m': 'y4m',
  '.raw': 'raw',
  '.yuv': 'raw',
  '.rgb': 'raw',
};

/** The kinds that hold any number of frames. */
export const VIDEO_KINDS: ReadonlySet<FrameFileKind> = new Set(['y4m', 'raw']);

/** By the end of the name; undefined for others. */
export function frameFileKind(path: string): FrameFileKind | undefined {
  return KINDS[extname(path).toLowerCase()];
}

/** What a frame is encoded with. */
interface FrameEncoding {
  readonly converter: FrameConverter;
  /** Whether it is the first of its file, which some kinds begin with a head. */
  readonly isFirst: boolean;
}

/** The bytes of a frame in a file, by the file's kind. */
export const ENCODERS: Readonly<
  Record<FrameFileKind, (frame: CameraFrame, encoding: FrameEncoding) => Promise<Uint8Array>>
> = {
  png: async (frame, { converter }) => await converter.toPng(frame),
  jpeg: jpegBytes,
  y4m: async (frame, { converter, isFirst }) => {
    const { width, height, framesPerSecond } = frame.format;
    const head = isFirst ? [y4mHead({ width, height, rate: rateOf(framesPerSecond) })] : [];
    return Buffer.concat([...head, y4mFrameHead(), ...(await converter.toYuv420(frame))]);
  },
  raw: rawBytes,
};

/** @throws {DmaBufError} `EINVAL` for frames that are no JPEG */
async function jpegBytes(frame: CameraFrame): Promise<Uint8Array> {
  const { fourcc } = frame.format;
  if (fourcc !== 'MJPG' && fourcc !== 'JPEG')
    throw new DmaBufError(
      `Cannot write a JPEG file as the camera gives ${fourcc}: ask for --format MJPG, or write a .png`,
      { code: 'EINVAL' },
    );
  return await rawBytes(frame);
}

/** Plane behind plane, rows without what follows them; of a compressed frame the filled bytes. */
async function rawBytes(frame: CameraFrame): Promise<Uint8Array> {
  return await frame.layout.access('read', (planes) => Buffer.concat(planes.map((plane) => plane.copyOut())));
}

/** As a fraction: 29.97 is 30000:1001. */
function rateOf(framesPerSecond: number | undefined): { numerator: number; denominator: number } {
  if (framesPerSecond === undefined || framesPerSecond <= 0) return { numerator: 25, denominator: 1 };
  if (Number.isInteger(framesPerSecond)) return { numerator: framesPerSecond, denominator: 1 };
  // Television's rates are whole ones over 1.001.
  return { numerator: Math.round(framesPerSecond * 1001), denominator: 1001 };
}
