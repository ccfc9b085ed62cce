import type { CameraOptions } from '../v4l2/camera-options.ts';
import { UsageError } from './parse-arguments.ts';

/** Options of commands that open a camera, for their descriptions. */
export const PICTURE_OPTIONS = {
  size: { value: 'WxH', text: 'the size of its pictures in pixels, such as 1280x720. Default: what it is set to' },
  format: {
    value: 'NAME',
    text: 'the format of its pixels: NV12, XRGB8888, or four characters of V4L2 such as MJPG. Default: what it is set to',
  },
  rate: { value: 'HZ', text: 'frames a second. Default: what it is set to' },
  input: { value: 'NAME', text: 'the name or the number of an input' },
} as const;

interface GivenOptions {
  readonly size: string | undefined;
  readonly format: string | undefined;
  readonly rate: string | undefined;
  readonly input: string | undefined;
}

/** @throws {UsageError} for values that cannot be read */
export function readPictureOptions({ size, format, rate, input }: GivenOptions): CameraOptions {
  const { width, height } = size === undefined ? {} : readSize(size);
  return {
    width,
    height,
    format,
    rate: rate === undefined ? undefined : readRate(rate),
    input: input !== undefined && /^\d+$/u.test(input) ? Number(input) : input,
  };
}

/** `1280x720`. */
export function readSize(text: string): { width: number; height: number } {
  const groups = /^(?<width>[1-9]\d{0,5})x(?<height>[1-9]\d{0,5})$/iu.exec(text)?.groups;
  if (groups === undefined)
    throw new UsageError(`Cannot read "${text}" as a size: it must be a width and a height, such as 1280x720`);
  return { width: Number(groups['width']), height: Number(groups['height']) };
}

function readRate(text: string): number {
  const rate = text.trim() === '' ? Number.NaN : Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new UsageError(`Cannot read "${text}" as a rate: it must be a number of frames a second, such as 30`);
}

/** A whole number from `min`. */
export function readWholeNumber(text: string, option: string, min: number): number {
  const value = /^\d{1,9}$/u.test(text) ? Number(text) : -1;
  if (value >= min) return value;
  throw new UsageError(`Cannot read "${text}" as ${option} must be a whole number from ${min}`);
}
