import {
  V4L2_CAP_TIMEPERFRAME,
  V4L2_FIELD_NONE,
  V4L2_FRMIVAL_TYPE_DISCRETE,
  V4L2_FRMSIZE_TYPE_DISCRETE,
  V4L2_PIX_FMT_PRIV_MAGIC,
  VIDEO_MAX_PLANES,
  VIDIOC_ENUM_FMT,
  VIDIOC_ENUM_FRAMEINTERVALS,
  VIDIOC_ENUM_FRAMESIZES,
  VIDIOC_G_FMT,
  VIDIOC_G_PARM,
  VIDIOC_S_FMT,
  VIDIOC_S_PARM,
  VIDIOC_TRY_FMT,
  v4l2Fmtdesc,
  v4l2Format,
  v4l2Frmivalenum,
  v4l2Frmsizeenum,
  v4l2PixFormat,
  v4l2PixFormatMplane,
  v4l2PlanePixFormat,
  v4l2Streamparm,
} from '../../uapi/videodev2-frames.ts';
import { V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE, V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE } from '../../uapi/videodev2-buffers.ts';
import type { BorrowedFd } from './fd.ts';
import { V4l2Ioctls } from './v4l2-calls.ts';

/** A format that a queue has (struct v4l2_fmtdesc). */
interface V4l2FormatDescription {
  readonly pixelformat: number;
  readonly description: string;
  /** `V4L2_FMT_FLAG_*`. */
  readonly flags: number;
}

/** Sizes of a format: one, or all in steps. */
export type V4l2FrameSizes =
  | { readonly kind: 'discrete'; readonly width: number; readonly height: number }
  | {
      readonly kind: 'stepwise';
      readonly widthMin: number;
      readonly widthMax: number;
      readonly widthStep: number;
      readonly heightMin: number;
      readonly heightMax: number;
      readonly heightStep: number;
    };

/** A number of seconds. */
export interface V4l2Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** Times from frame to frame: one, or all between two. */
export type V4l2FrameIntervals =
  | { readonly kind: 'discrete'; readonly interval: V4l2Fraction }
  | { readonly kind: 'stepwise'; readonly intervalMin: V4l2Fraction; readonly intervalMax: V4l2Fraction };

/** What a queue is set to: struct v4l2_pix_format, or v4l2_pix_format_mplane. */
export interface V4l2PictureFormat {
  readonly width: number;
  readonly height: number;
  readonly pixelformat: number;
  readonly field: number;
  readonly colorspace: number;
  readonly ycbcrEncoding: number;
  readonly quantization: number;
  readonly transferFunction: number;
  /** One for each memory that a buffer has. */
  readonly planes: readonly { readonly bytesPerLine: number; readonly sizeImage: number }[];
}

/** What is asked of a queue: the driver chooses what is left out. */
export interface V4l2FormatRequest {
  readonly width: number;
  readonly height: number;
  readonly pixelformat: number;
  /** Of each plane. */
  readonly planes?: V4l2PictureFormat['planes'];
  readonly colorspace?: number;
  readonly ycbcrEncoding?: number;
  readonly quantization?: number;
  readonly transferFunction?: number;
}

/** A format that can be set, or only tried. */
type SetOrTry = 'set' | 'try';

/** The queues whose buffers may have several memories. */
export function isMultiPlanar(type: number): boolean {
  return type === V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE || type === V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
}

const { fmt: fmtAt } = v4l2Format.offsets;
const { planeFmt: planesAt } = v4l2PixFormatMplane.offsets;

/** The calls about what frames a queue has. Each takes the queue's type, `V4L2_BUF_TYPE_*`. */
export class V4l2FormatCalls extends V4l2Ioctls {
  listFormats(fd: BorrowedFd, type: number): V4l2FormatDescription[] {
    return this.enumerate(fd, ['VIDIOC_ENUM_FMT', VIDIOC_ENUM_FMT], {
      argument: (index) => v4l2Fmtdesc.write({ index, type }),
      read: (bytes) => {
        const { pixelformat, description, flags } = v4l2Fmtdesc.read(bytes);
        return { pixelformat, description, flags };
      },
    });
  }

  listFrameSizes(fd: BorrowedFd, pixelformat: number): V4l2FrameSizes[] {
    return this.enumerate(fd, ['VIDIOC_ENUM_FRAMESIZES', VIDIOC_ENUM_FRAMESIZES], {
      argument: (index) => v4l2Frmsizeenum.write({ index, pixelFormat: pixelformat }),
      read: readSizes,
    });
  }

  listFrameIntervals(
    fd: BorrowedFd,
    { pixelformat, width, height }: { pixelformat: number; width: number; height: number },
  ): V4l2FrameIntervals[] {
    return this.enumerate(fd, ['VIDIOC_ENUM_FRAMEINTERVALS', VIDIOC_ENUM_FRAMEINTERVALS], {
      argument: (index) => v4l2Frmivalenum.write({ index, pixelFormat: pixelformat, width, height }),
      read: readIntervals,
    });
  }

  currentFormat(fd: BorrowedFd, type: number): V4l2PictureFormat {
    const argument = v4l2Format.write({ type });
    this.mustIoctl(fd, ['VIDIOC_G_FMT', VIDIOC_G_FMT], argument);
    return readFormat(argument, type);
  }

  /** Sets or tries a format. Gives what the driver makes of it, which may be anything. */
  askForFormat(fd: BorrowedFd, type: number, request: V4l2FormatRequest, how: SetOrTry): V4l2PictureFormat {
    const argument = v4l2Format.write({ type });
    argument.set(isMultiPlanar(type) ? writeMultiPlanar(request) : writeSinglePlanar(request), fmtAt);
    const { width, height, pixelformat } = request;
    const command =
      how === 'set' ? (['VIDIOC_S_FMT', VIDIOC_S_FMT] as const) : (['VIDIOC_TRY_FMT', VIDIOC_TRY_FMT] as const);
    this.mustIoctl(fd, command, argument, { width, height, pixelformat });
    return readFormat(argument, type);
  }

  /** The time from frame to frame; undefined where it is not told, or cannot be set. */
  frameInterval(fd: BorrowedFd, type: number): V4l2Fraction | undefined {
    const argument = v4l2Streamparm.write({ type });
    return this.mayIoctl(fd, ['VIDIOC_G_PARM', VIDIOC_G_PARM], argument) ? readInterval(argument) : undefined;
  }

  /** As {@link frameInterval}, set: what the driver makes of it. */
  setFrameInterval(fd: BorrowedFd, type: number, { numerator, denominator }: V4l2Fraction): V4l2Fraction | undefined {
    const argument = v4l2Streamparm.write({
      type,
      'parm.capture.timeperframe.numerator': numerator,
      'parm.capture.timeperframe.denominator': denominator,
    });
    return this.mayIoctl(fd, ['VIDIOC_S_PARM', VIDIOC_S_PARM], argument) ? readInterval(argument) : undefined;
  }
}

function readSizes(bytes: Uint8Array): V4l2FrameSizes {
  const sizes = v4l2Frmsizeenum.read(bytes);
  if (sizes.type === V4L2_FRMSIZE_TYPE_DISCRETE)
    return { kind: 'discrete', width: sizes['stepwise.minWidth'], height: sizes['stepwise.maxWidth'] };
  return {
    kind: 'stepwise',
    widthMin: sizes['stepwise.minWidth'],
    widthMax: sizes['stepwise.maxWidth'],
    widthStep: Math.max(1, sizes['stepwise.stepWidth']),
    heightMin: sizes['stepwise.minHeight'],
    heightMax: sizes['stepwise.maxHeight'],
    heightStep: Math.max(1, sizes['stepwise.stepHeight']),
  };
}

function readIntervals(bytes: Uint8Array): V4l2FrameIntervals {
  const found = v4l2Frmivalenum.read(bytes);
  const min = { numerator: found['stepwise.min.numerator'], denominator: found['stepwise.min.denominator'] };
  if (found.type === V4L2_FRMIVAL_TYPE_DISCRETE) return { kind: 'discrete', interval: min };
  const max = { numerator: found['stepwise.max.numerator'], denominator: found['stepwise.max.denominator'] };
  return { kind: 'stepwise', intervalMin: min, intervalMax: max };
}

function readInterval(argument: Uint8Array): V4l2Fraction | undefined {
  const found = v4l2Streamparm.read(argument);
  const interval = {
    numerator: found['parm.capture.timeperframe.numerator'],
    denominator: found['parm.capture.timeperframe.denominator'],
  };
  const isTold = (found['parm.capture.capability'] & V4L2_CAP_TIMEPERFRAME) !== 0;
  return isTold && interval.numerator > 0 && interval.denominator > 0 ? interval : undefined;
}

function readFormat(argument: Uint8Array, type: number): V4l2PictureFormat {
  const bytes = argument.subarray(fmtAt);
  return isMultiPlanar(type) ? readMultiPlanar(bytes) : readSinglePlanar(bytes);
}

function readSinglePlanar(bytes: Uint8Array): V4l2PictureFormat {
  const { width, height, pixelformat, field, colorspace, bytesperline, sizeimage, priv, ...more } =
    v4l2PixFormat.read(bytes);
  const isExtended = priv === V4L2_PIX_FMT_PRIV_MAGIC;
  return {
    width,
    height,
    pixelformat,
    field,
    colorspace,
    ycbcrEncoding: isExtended ? more.ycbcrEnc : 0,
    quantization: isExtended ? more.quantization : 0,
    transferFunction: isExtended ? more.xferFunc : 0,
    planes: [{ bytesPerLine: bytesperline, sizeImage: sizeimage }],
  };
}

function readMultiPlanar(bytes: Uint8Array): V4l2PictureFormat {
  const { width, height, pixelformat, field, colorspace, ...more } = v4l2PixFormatMplane.read(bytes);
  const planes = Array.from({ length: Math.min(more.numPlanes, VIDEO_MAX_PLANES) }, (_, index) => {
    const plane = v4l2PlanePixFormat.read(bytes.subarray(planesAt + index * v4l2PlanePixFormat.size));
    return { bytesPerLine: plane.bytesperline, sizeImage: plane.sizeimage };
  });
  return {
    width,
    height,
    pixelformat,
    field,
    colorspace,
    ycbcrEncoding: more.ycbcrEnc,
    quantization: more.quantization,
    transferFunction: more.xferFunc,
    planes,
  };
}

function writeSinglePlanar(request: V4l2FormatRequest): Uint8Array {
  const { planes: [plane] = [] } = request;
  return v4l2PixFormat.write({
    width: request.width,
    height: request.height,
    pixelformat: request.pixelformat,
    field: V4L2_FIELD_NONE,
    bytesperline: plane?.bytesPerLine ?? 0,
    sizeimage: plane?.sizeImage ?? 0,
    colorspace: request.colorspace ?? 0,
    priv: V4L2_PIX_FMT_PRIV_MAGIC,
    ycbcrEnc: request.ycbcrEncoding ?? 0,
    quantization: request.quantization ?? 0,
    xferFunc: request.transferFunction ?? 0,
  });
}

function writeMultiPlanar(request: V4l2FormatRequest): Uint8Array {
  const { planes = [] } = request;
  const bytes = v4l2PixFormatMplane.write({
    width: request.width,
    height: request.height,
    pixelformat: request.pixelformat,
    field: V4L2_FIELD_NONE,
    colorspace: request.colorspace ?? 0,
    numPlanes: planes.length,
    ycbcrEnc: request.ycbcrEncoding ?? 0,
    quantization: request.quantization ?? 0,
    xferFunc: request.transferFunction ?? 0,
  });
  for (const [index, { bytesPerLine, sizeImage }] of planes.entries()) {
    const plane = v4l2PlanePixFormat.write({ bytesperline: bytesPerLine, sizeimage: sizeImage });
    bytes.set(plane, planesAt + index * v4l2PlanePixFormat.size);
  }
  return bytes;
}
