import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { V4l2FormatCalls, V4l2FrameIntervals, V4l2FrameSizes } from '../linux/calls/v4l2-format-calls.ts';
import { formatFourcc } from '../picture/fourcc.ts';
import type { PixelFormatName } from '../picture/pixel-format-table.ts';
import { findV4l2PixelFormat } from '../picture/pixel-format.ts';
import { V4L2_FMT_FLAG_COMPRESSED, V4L2_FMT_FLAG_EMULATED } from '../uapi/videodev2-frames.ts';
import { rateOf } from './video-format.ts';

/** A format that a device's frames can have. */
export interface FormatDescription {
  /** V4L2's number: `V4L2_PIX_FMT_…`. */
  readonly pixelformat: number;
  /** Its characters: `YUYV`, `NM12`, `MJPG`. */
  readonly fourcc: string;
  /** As DRM names the same pixels; undefined for a format whose sizes are not known here. */
  readonly name: PixelFormatName | undefined;
  /** The driver's own words. */
  readonly description: string;
  /** Whether a frame has no rows, and another length each time. */
  readonly compressed: boolean;
  /** Converted by a library and not by the device. */
  readonly emulated: boolean;
  /** None where the driver does not list them. */
  readonly sizes: readonly SizeDescription[];
}

/** A size of a format, or all in steps, in pixels, with the rates that it has. */
export type SizeDescription =
  | {
      /** One size. */
      readonly kind: 'discrete';
      /** In pixels. */
      readonly width: number;
      /** In pixels. */
      readonly height: number;
      /** The rates that it has. */
      readonly rates: readonly RateDescription[];
    }
  | {
      /** Every size in steps. */
      readonly kind: 'stepwise';
      /** In pixels. */
      readonly widthMin: number;
      /** In pixels. */
      readonly widthMax: number;
      /** In pixels. */
      readonly widthStep: number;
      /** In pixels. */
      readonly heightMin: number;
      /** In pixels. */
      readonly heightMax: number;
      /** In pixels. */
      readonly heightStep: number;
      /** Of the largest size. */
      readonly rates: readonly RateDescription[];
    };

/** A rate, or all between two, in frames a second. */
export type RateDescription =
  | {
      /** One rate. */
      readonly kind: 'discrete';
      /** How many. */
      readonly framesPerSecond: number;
    }
  | {
      /** Every rate between two. */
      readonly kind: 'range';
      /** The lowest. */
      readonly framesPerSecondMin: number;
      /** The highest. */
      readonly framesPerSecondMax: number;
    };

/** Every format of a queue, with its sizes and rates. */
export function describeFormats(calls: V4l2FormatCalls, fd: BorrowedFd, type: number): FormatDescription[] {
  return calls.listFormats(fd, type).map(({ pixelformat, description, flags }) => {
    const known = findV4l2PixelFormat(pixelformat);
    const sizes = calls.listFrameSizes(fd, pixelformat).map((size) => describeSize(calls, fd, pixelformat, size));
    return Object.freeze({
      pixelformat,
      fourcc: formatFourcc(pixelformat),
      name: known?.format.name,
      description,
      compressed: (flags & V4L2_FMT_FLAG_COMPRESSED) !== 0,
      emulated: (flags & V4L2_FMT_FLAG_EMULATED) !== 0,
      sizes: Object.freeze(sizes),
    });
  });
}

// eslint-disable-next-line max-params -- what a question to the kernel takes
function describeSize(
  calls: V4l2FormatCalls,
  fd: BorrowedFd,
  pixelformat: number,
  size: V4l2FrameSizes,
): SizeDescription {
  const [width, height] = size.kind === 'discrete' ? [size.width, size.height] : [size.widthMax, size.heightMax];
  const rates = calls.listFrameIntervals(fd, { pixelformat, width, height }).map(describeRate);
  return Object.freeze({ ...size, rates: Object.freeze(rates) });
}

/** The shortest interval is the highest rate. */
function describeRate(intervals: V4l2FrameIntervals): RateDescription {
  if (intervals.kind === 'discrete')
    return Object.freeze({ kind: 'discrete', framesPerSecond: rateOf(intervals.interval) });
  return Object.freeze({
    kind: 'range',
    framesPerSecondMin: rateOf(intervals.intervalMax),
    framesPerSecondMax: rateOf(intervals.intervalMin),
  });
}
