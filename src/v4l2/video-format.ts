import { outOfRange, wrongType } from '../base/argument-error.ts';
import { UINT_MAX } from '../base/limits.ts';
import { show } from '../base/show.ts';
import type { V4l2Fraction, V4l2PictureFormat } from '../linux/calls/v4l2-format-calls.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { formatFourcc } from '../picture/fourcc.ts';
import { FrameDescription } from '../picture/frame-description.ts';
import type { PixelFormatName } from '../picture/pixel-format-table.ts';
import { findPixelFormat, findV4l2PixelFormat } from '../picture/pixel-format.ts';
import { DRM_FORMAT_MOD_INVALID, DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import { fourccCode } from '../uapi/fourcc-code.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { colorsOf } from './color-space.ts';
import type { PictureColors } from './color-space.ts';

/** What a device's frames are. */
export interface VideoFormat {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** V4L2's number of the format: `V4L2_PIX_FMT_…`. */
  readonly pixelformat: number;
  /** Its characters: `YUYV`, `NM12`, `MJPG`. */
  readonly fourcc: string;
  /** As DRM names the same pixels; undefined for a format whose sizes are not known here. */
  readonly name: PixelFormatName | undefined;
  /** Whether a frame has no rows, and another length each time. */
  readonly compressed: boolean;
  /** `V4L2_FIELD_*`: 1 for whole frames, others for interlaced ones. */
  readonly field: number;
  /** How its numbers stand for colours. */
  readonly colors: PictureColors;
  /** Of each memory that a frame lies in: from row to row, and in all, in bytes. */
  readonly memories: readonly {
    /** From row to row; 0 where there are none, or the driver does not tell. */
    readonly stride: number;
    /** In all. */
    readonly length: number;
  }[];
  /** Frames a second, as far as the driver tells. */
  readonly framesPerSecond: number | undefined;
}

/** What {@link VideoFormat} is made of. */
interface FormatAnswer {
  readonly picture: V4l2PictureFormat;
  readonly interval: V4l2Fraction | undefined;
}

const RGB_NAME = /RGB|BGR/u;
const FOURCC = /^[\x20-\x7e]{1,4}$/u;

export function videoFormatOf({ picture, interval }: FormatAnswer): VideoFormat {
  const known = findV4l2PixelFormat(picture.pixelformat)?.format;
  return Object.freeze({
    width: picture.width,
    height: picture.height,
    pixelformat: picture.pixelformat,
    fourcc: formatFourcc(picture.pixelformat),
    name: known?.name,
    compressed: known?.compressed === true,
    field: picture.field,
    colors: colorsOf(picture, known !== undefined && RGB_NAME.test(known.name)),
    memories: Object.freeze(
      picture.planes.map(({ bytesPerLine, sizeImage }) => Object.freeze({ stride: bytesPerLine, length: sizeImage })),
    ),
    framesPerSecond: interval === undefined ? undefined : rateOf(interval),
  });
}

/** Frames a second. */
export function rateOf({ numerator, denominator }: V4l2Fraction): number {
  return denominator / numerator;
}

/**
 * Where the planes lie in a frame's memories, by the driver's strides. A format whose sizes are not
 * known here is one plane for each memory, of which only the driver knows what a row is.
 */
export function describeVideoFrame({ width, height, pixelformat, memories }: VideoFormat): FrameDescription {
  const known = findV4l2PixelFormat(pixelformat);
  if (known === undefined || isLaidOutOtherwise(known.format.planes.length, known.separate, memories.length)) {
    const modifier = DRM_FORMAT_MOD_INVALID;
    const planes = memories.map(({ stride, length }, bufferIndex) => ({ bufferIndex, offset: 0, stride, length }));
    return new FrameDescription({ width, height, fourcc: pixelformat as Fourcc, modifier, planes });
  }
  const { format, separate } = known;
  if (format.compressed) return describeCompressed({ width, height, pixelformat }, memories[0]?.length ?? 0);
  const strides = memories.map(({ stride }) => stride);
  // A driver need not tell the stride of what has no padding.
  if (strides.includes(0)) return describeFrame(format.name, { width, height, separate });
  const [stride = 0] = strides;
  return describeFrame(format.name, { width, height, separate, stride: separate ? strides : stride });
}

/** A picture of so many bytes. */
export function describeCompressed(
  { width, height, pixelformat }: Pick<VideoFormat, 'width' | 'height' | 'pixelformat'>,
  length: number,
): FrameDescription {
  const planes = [{ bufferIndex: 0, offset: 0, stride: 0, length }];
  return new FrameDescription({
    width,
    height,
    fourcc: pixelformat as Fourcc,
    modifier: DRM_FORMAT_MOD_LINEAR,
    planes,
  });
}

function isLaidOutOtherwise(planeCount: number, separate: boolean, memoryCount: number): boolean {
  return memoryCount !== (separate ? planeCount : 1);
}

/** A format as a caller names it, and V4L2's numbers of it, the likeliest first. */
export interface NamedFormat {
  readonly name: string;
  readonly pixelformats: readonly number[];
}

/**
 * A format that a caller names: `NV12`, as DRM has it, with its planes in one memory or in several;
 * four characters of V4L2's, such as `NM12`; or V4L2's number.
 */
export function readFormatName(format: unknown, action: string): NamedFormat {
  const argument = { action, name: 'format' };
  if (typeof format === 'number') {
    if (Number.isSafeInteger(format) && format > 0 && format <= UINT_MAX)
      return { name: formatFourcc(format), pixelformats: [format] };
    throw outOfRange(argument, { must: "be V4L2's number of a format", received: format });
  }
  const must = "be a format's name such as 'NV12', or four characters of V4L2's such as 'NM12'";
  if (typeof format !== 'string') throw wrongType(argument, { must, received: format });
  const known = findPixelFormat(format as PixelFormatName);
  if (known !== undefined) {
    const pixelformats = [known.v4l2, known.v4l2Separate].filter((each) => each !== undefined);
    if (pixelformats.length > 0) return { name: known.name, pixelformats };
  }
  if (FOURCC.test(format)) return { name: format, pixelformats: [fourccCode(format.padEnd(4))] };
  throw outOfRange(argument, { must, received: format, shown: show(format) });
}
