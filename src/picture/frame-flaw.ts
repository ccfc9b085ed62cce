import { UINT_MAX } from '../base/limits.ts';
import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { formatFourcc } from './fourcc.ts';
import type { PixelFormat, PixelPlane } from './pixel-format-table.ts';
import { findPixelFormat } from './pixel-format.ts';

/** `DRM_FORMAT_MAX_PLANES`, which is more than any format of V4L2 has. */
export const PLANE_COUNT_MAX = 4;

/** The place of a plane. */
export interface PlaneDescription {
  /** The index of its buffer in the frame, from 0. */
  readonly bufferIndex: number;
  /** In bytes, from the start of that buffer. */
  readonly offset: number;
  /** From the start of one row to the start of the next, in bytes. 0 where there are no rows. */
  readonly stride: number;
  /** In bytes, including any bytes after each row. */
  readonly length: number;
}

/** The claimed properties of a frame. */
export interface FrameFields {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** The pixel format's number, as DRM has it. */
  readonly fourcc: Fourcc;
  /** How pixels lie within a plane (`DRM_FORMAT_MOD_…`). */
  readonly modifier: bigint;
  /** From 1 to 4. */
  readonly planes: readonly PlaneDescription[];
}

/** The rows of a plane. */
export interface PlaneRows {
  readonly rowCount: number;
  /** The part of a row that belongs to the picture. */
  readonly rowBytes: number;
}

/**
 * The format that gives the bytes of a frame their meaning; undefined where it is unknown, or only
 * a driver knows it.
 */
export function knownFormat({ fourcc, modifier }: Pick<FrameFields, 'fourcc' | 'modifier'>): PixelFormat | undefined {
  return modifier === DRM_FORMAT_MOD_LINEAR ? findPixelFormat(fourcc) : undefined;
}

/**
 * The rows of a plane of a picture. Sizes are rounded up, as in `fb_plane_width`
 * (drivers/gpu/drm/drm_framebuffer.c) and `v4l2_format_plane_stride`
 * (drivers/media/v4l2-core/v4l2-common.c). Pixels that are stored together take whole blocks here.
 * That is more than the kernel demands for YUYV of an odd width: half a block has no colour.
 */
export function rowsOf(plane: PixelPlane, width: number, height: number): PlaneRows {
  const { blockWidth, blockBytes, horizontalSubsampling, verticalSubsampling } = plane;
  const planeWidth = Math.ceil(width / horizontalSubsampling);
  return {
    rowCount: Math.ceil(height / verticalSubsampling),
    rowBytes: Math.ceil(planeWidth / blockWidth) * blockBytes,
  };
}

/**
 * The flaw of a frame, in words that follow "as"; or undefined. Its numbers are whole and not
 * negative, and nothing else is assumed about them.
 *
 * The rules are those of `framebuffer_check` (drivers/gpu/drm/drm_framebuffer.c), by which the end
 * of every plane must fit 32 bits, and of `drm_gem_fb_init_with_funcs`
 * (drivers/gpu/drm/drm_gem_framebuffer_helper.c), by which the last row may end before its stride.
 */
export function findFrameFlaw(frame: FrameFields): string | undefined {
  const { width, height, fourcc, planes } = frame;
  if (width < 1 || width > UINT_MAX || height < 1 || height > UINT_MAX) return `it is of ${width}x${height} pixels`;
  if (fourcc === 0 || fourcc > UINT_MAX) return 'its format is none';
  const format = knownFormat(frame);
  if (planes.length < 1 || planes.length > PLANE_COUNT_MAX) return `it has ${planes.length} planes`;
  if (format !== undefined && planes.length !== format.planes.length)
    return `${formatFourcc(fourcc)} has ${format.planes.length} planes and it ${planes.length}`;
  const flaws = planes.map((plane, index) => findPlaneFlaw(plane, index, rowsOfFrame(frame, format, index)));
  return flaws.find((flaw) => flaw !== undefined) ?? findBufferFlaw(planes);
}

/** Undefined where the plane's rows are unknown. */
export function rowsOfFrame(
  { width, height }: Pick<FrameFields, 'width' | 'height'>,
  format: PixelFormat | undefined,
  index: number,
): PlaneRows | undefined {
  const plane = format?.planes[index];
  return plane === undefined || format?.compressed === true ? undefined : rowsOf(plane, width, height);
}

function findPlaneFlaw(plane: PlaneDescription, index: number, rows: PlaneRows | undefined): string | undefined {
  const { offset, stride, length } = plane;
  const name = `its plane ${index}`;
  if (length === 0) return `${name} is empty`;
  if (stride > UINT_MAX || offset + length > UINT_MAX)
    return `${name} of ${length} bytes at ${offset}, with a stride of ${stride}, goes beyond 32 bits`;
  if (rows === undefined) return undefined;
  const { rowCount, rowBytes } = rows;
  if (stride < rowBytes) return `the stride of ${name} is ${stride} where a row takes ${rowBytes} bytes`;
  if (offset + rowCount * stride > UINT_MAX) return `${name}, ${rowCount} rows of ${stride} bytes, goes beyond 32 bits`;
  const lengthMin = (rowCount - 1) * stride + rowBytes;
  if (length < lengthMin) return `${name} has ${length} bytes where its ${rowCount} rows take ${lengthMin}`;
  return undefined;
}

/** Every buffer has a plane, so there are at most as many buffers as planes. */
function findBufferFlaw(planes: readonly PlaneDescription[]): string | undefined {
  const used = new Set(planes.map(({ bufferIndex }) => bufferIndex));
  const missing = planes.find(({ bufferIndex }) => bufferIndex >= used.size);
  return missing && `a plane is in buffer ${missing.bufferIndex}, and only ${used.size} have planes`;
}
