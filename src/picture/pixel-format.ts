import { outOfRange } from '../base/argument-error.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import type { V4l2Fourcc } from '../uapi/videodev2-formats.ts';
import { PIXEL_FORMATS } from './pixel-format-table.ts';
import type { PixelFormat, PixelFormatName } from './pixel-format-table.ts';

const BY_NAME: ReadonlyMap<unknown, PixelFormat> = new Map(PIXEL_FORMATS.map((format) => [format.name, format]));
const BY_FOURCC: ReadonlyMap<unknown, PixelFormat> = new Map(PIXEL_FORMATS.map((format) => [format.fourcc, format]));

/** A format by V4L2's number. */
export interface V4l2PixelFormat {
  /** The same pixels, as DRM names them. */
  readonly format: PixelFormat;
  /** Whether each plane lies in a buffer of its own, as in NV12M. */
  readonly separate: boolean;
}

/**
 * A format by its name or its number.
 *
 * @returns undefined for a format whose sizes are unknown
 *
 * @example
 * ```ts
 * import { findPixelFormat } from 'dmabuf/picture';
 *
 * console.log(findPixelFormat('NV12')?.planes.length); // 2
 * ```
 */
export function findPixelFormat(format: PixelFormatName | number): PixelFormat | undefined {
  return BY_NAME.get(format) ?? BY_FOURCC.get(format);
}

/**
 * A format by V4L2's number, which is not always DRM's. V4L2 has `RGBP` for DRM's `RG16`, and
 * `RG16` for a Bayer pattern.
 *
 * @returns undefined for a format whose sizes are unknown
 *
 * @example
 * ```ts
 * import { V4L2_PIX_FMT_XBGR32, findV4l2PixelFormat } from 'dmabuf/picture';
 *
 * console.log(findV4l2PixelFormat(V4L2_PIX_FMT_XBGR32)?.format.name); // XRGB8888
 * ```
 */
export function findV4l2PixelFormat(pixelformat: number): V4l2PixelFormat | undefined {
  const known = (code: V4l2Fourcc | undefined): boolean => code !== undefined && code === pixelformat;
  const contiguous = PIXEL_FORMATS.find(({ v4l2 }) => known(v4l2));
  const format = contiguous ?? PIXEL_FORMATS.find(({ v4l2Separate }) => known(v4l2Separate));
  return format && { format, separate: contiguous === undefined };
}

/** @throws {RangeError} for an unknown format */
export function checkPixelFormat(format: PixelFormatName | Fourcc, action: string): PixelFormat {
  const found = findPixelFormat(format);
  if (found !== undefined) return found;
  const must = `be a name or a number of: ${[...BY_NAME.keys()].join(', ')}`;
  throw outOfRange({ action, name: 'format' }, { must, received: format });
}
