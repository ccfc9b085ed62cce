import { wrongValue } from '../base/argument-error.ts';
import { readOptions } from '../base/check.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { checkPixelFormat } from '../picture/pixel-format.ts';
import type { FrameDescription } from '../picture/frame-description.ts';
import type { PixelFormatName } from '../picture/pixel-format-table.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import type { DumbRequest } from './gem-handles.ts';

/** Options of {@link Display.allocate}. */
export interface DumbFrameOptions {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** A name such as `XRGB8888`, or a number such as `DRM_FORMAT_XRGB8888`. */
  readonly format: PixelFormatName | Fourcc;
}

/** A frame to be allocated. */
export interface DumbFrame {
  /** With rows as short as they can be; the driver may want longer ones. */
  readonly description: FrameDescription;
  readonly wanted: DumbRequest;
}

export const ALLOCATE = 'allocate the frame';
const BITS_PER_BYTE = 8;

/** @throws {TypeError | RangeError} for an option that is none, or a compressed format */
export function readDumbFrame(options: DumbFrameOptions): DumbFrame {
  const { width, height, format } = readOptions(options, ALLOCATE, ['width', 'height', 'format']);
  const { compressed, planes } = checkPixelFormat(format, ALLOCATE);
  const [first, ...others] = planes;
  if (compressed || first === undefined)
    throw wrongValue({ action: ALLOCATE, name: 'format' }, { must: 'be one of pixels', received: format });
  const description = describeFrame(format, { width, height });
  // A driver allocates rows of pixels; of several planes, rows of bytes, as many as all take.
  const bitsPerPixel = (first.blockBytes * BITS_PER_BYTE) / first.blockWidth;
  if (others.length === 0) return { description, wanted: { width, height, bitsPerPixel } };
  const stride = description.planes[0]?.stride ?? 0;
  const rowCount = Math.ceil(description.length / stride);
  return { description, wanted: { width: stride, height: rowCount, bitsPerPixel: BITS_PER_BYTE } };
}
