import { contradiction, outOfRange, wrongValue } from '../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../base/check.ts';
import { UINT_MAX } from '../base/limits.ts';
import { roundUp } from '../base/quantities.ts';
import { readArray } from '../base/read-array.ts';
import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { FrameDescription } from './frame-description.ts';
import { PLANE_COUNT_MAX, rowsOf } from './frame-flaw.ts';
import type { PlaneDescription } from './frame-flaw.ts';
import type { PixelFormat, PixelFormatName, PixelPlane } from './pixel-format-table.ts';
import { checkPixelFormat } from './pixel-format.ts';

/** Options of {@link describeFrame}. */
export interface FrameOptions {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * From one row to the next, in bytes. A number is the first plane's stride, from which the others
   * follow, like V4L2's `bytesperline`. Default: the bytes of a row, rounded up to
   * `strideAlignment`.
   */
  readonly stride?: number | readonly number[] | undefined;
  /** The alignment of every stride, in bytes, where `stride` is not given. Default: 1. */
  readonly strideAlignment?: number | undefined;
  /**
   * The alignment of the number of rows that the first plane has room for: 16 for many decoders.
   * Default: 1.
   */
  readonly heightAlignment?: number | undefined;
  /** The alignment of a plane that follows another in its buffer, in bytes. Default: 1. */
  readonly planeAlignment?: number | undefined;
  /** Whether each plane lies in a buffer of its own, as in V4L2's NV12M. Default: false. */
  readonly separate?: boolean | undefined;
  /** For a compressed picture, which requires it: the room for its bytes. */
  readonly length?: number | undefined;
}

interface CheckedOptions {
  readonly width: number;
  readonly strideAlignment: number;
  readonly planeAlignment: number;
  /** In rows of the first plane. */
  readonly alignedHeight: number;
  readonly separate: boolean;
  readonly strides: readonly (number | undefined)[];
}

const WHAT = 'describe the frame';

/**
 * Describes a frame by its format and size, laid out as the kernel does: planes one after the
 * other, each a whole number of rows (`v4l2_fill_pixfmt` in drivers/media/v4l2-core/v4l2-common.c).
 * Sizes that are not multiples of the chroma subsampling are rounded up.
 *
 * @param format a name such as `NV12`, or a number such as `DRM_FORMAT_NV12`
 * @throws {TypeError | RangeError} for an unknown format or an invalid option; for a stride shorter
 *   than a row; for a frame beyond 32 bits
 *
 * @example
 * ```ts
 * import { describeFrame } from 'dmabuf/picture';
 *
 * const description = describeFrame('NV12', { width: 1920, height: 1080 });
 * console.log(description.planes.length, description.bufferLengths.join(' ')); // 2 3110400
 * ```
 */
export function describeFrame(format: PixelFormatName | Fourcc, options: FrameOptions): FrameDescription {
  const known = checkPixelFormat(format, WHAT);
  const names = [
    'width',
    'height',
    'stride',
    'strideAlignment',
    'heightAlignment',
    'planeAlignment',
    'separate',
    'length',
  ] as const;
  const plain = readOptions(options, WHAT, names);
  const planes = known.compressed ? [compressedPlane(known, plain)] : rawPlanes(known, plain);
  const { width, height } = plain;
  return new FrameDescription({ width, height, fourcc: known.fourcc, modifier: DRM_FORMAT_MOD_LINEAR, planes });
}

const BYTES = { min: 1, max: UINT_MAX, unit: 'bytes' };

function compressedPlane({ name }: PixelFormat, { length, ...others }: FrameOptions): PlaneDescription {
  const meaningless = Object.keys(others).find((option) => option !== 'width' && option !== 'height');
  if (meaningless !== undefined)
    throw wrongValue(
      { action: WHAT, name: meaningless },
      { must: `be left out, as ${name} is compressed`, received: others[meaningless as keyof typeof others] },
    );
  const checked = checkInteger(length, { action: WHAT, name: 'length', ...BYTES });
  return { bufferIndex: 0, offset: 0, stride: 0, length: checked };
}

function rawPlanes(format: PixelFormat, options: FrameOptions): PlaneDescription[] {
  const { width, alignedHeight, strideAlignment, planeAlignment, separate, strides } = checkOptions(format, options);
  let end = 0;
  return format.planes.map((plane, index) => {
    const { rowCount, rowBytes } = rowsOf(plane, width, alignedHeight);
    const stride = strides[index] ?? roundUp(rowBytes, strideAlignment);
    const offset = separate ? 0 : roundUp(end, planeAlignment);
    const length = stride * rowCount;
    end = offset + length;
    return { bufferIndex: separate ? index : 0, offset, stride, length };
  });
}

function checkOptions(format: PixelFormat, options: FrameOptions): CheckedOptions {
  const { stride, strideAlignment, separate = false, length } = options;
  if (length !== undefined)
    throw wrongValue(
      { action: WHAT, name: 'length' },
      { must: `be left out, as ${format.name} is not compressed`, received: length },
    );
  if (stride !== undefined && strideAlignment !== undefined)
    throw contradiction({ action: WHAT, name: 'stride' }, 'strideAlignment', 'are two ways to say one thing');
  const count = (value: number, name: string): number =>
    checkInteger(value, { action: WHAT, name, min: 1, max: UINT_MAX });
  return {
    width: count(options.width, 'width'),
    alignedHeight: roundUp(count(options.height, 'height'), count(options.heightAlignment ?? 1, 'heightAlignment')),
    strideAlignment: count(strideAlignment ?? 1, 'strideAlignment'),
    planeAlignment: count(options.planeAlignment ?? 1, 'planeAlignment'),
    separate: checkBoolean(separate, { action: WHAT, name: 'separate' }),
    strides: checkStrides(format, stride),
  };
}

function checkStrides(format: PixelFormat, stride: FrameOptions['stride']): readonly (number | undefined)[] {
  if (stride === undefined) return [];
  if (typeof stride === 'number') {
    checkInteger(stride, { action: WHAT, name: 'stride', ...BYTES });
    return format.planes.map((plane) => followingStride(format, plane, stride));
  }
  const strides = readArray(stride, { action: WHAT, name: 'stride', countMax: PLANE_COUNT_MAX }, (each, index) =>
    checkInteger(each, { action: WHAT, name: `stride[${index}]`, ...BYTES }),
  );
  if (strides.length === format.planes.length) return strides;
  const must = `have one for each of the ${format.planes.length} planes of ${format.name}`;
  throw outOfRange({ action: WHAT, name: 'stride' }, { must, received: strides });
}

/** The bytes of a plane's rows, as a share of the first plane's. */
function followingStride({ name, planes }: PixelFormat, plane: PixelPlane, stride: number): number {
  const [first = plane] = planes;
  const divisor = plane.horizontalSubsampling * first.blockBytes;
  const following = (stride * plane.blockBytes) / divisor;
  if (Number.isInteger(following)) return following;
  throw outOfRange(
    { action: WHAT, name: 'stride' },
    {
      must: `be a multiple of ${divisor / plane.blockBytes} bytes for ${name}`,
      received: stride,
      remedy: "give each plane's, { stride: [...] }",
    },
  );
}
