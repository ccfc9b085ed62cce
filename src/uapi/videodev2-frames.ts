/** include/uapi/linux/videodev2.h: sizes, rates and formats of frames. */

import { ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const v4l2Fmtdesc: StructSchema<
  'index' | 'type' | 'flags' | 'pixelformat' | 'mbusCode',
  'description',
  never,
  'reserved'
> = defineStruct({
  index: 'u32',
  type: 'u32',
  flags: 'u32',
  description: 'char[32]',
  pixelformat: 'u32',
  mbusCode: 'u32',
  reserved: 'u32[3]',
});

export const VIDIOC_ENUM_FMT: number = ioctlReadWrite({ group: 'V', number: 2 }, v4l2Fmtdesc.size);

export const V4L2_FMT_FLAG_COMPRESSED = 0x0001;
/** Converted by libv4l, and not by the device. */
export const V4L2_FMT_FLAG_EMULATED = 0x0002;

/** A discrete size is in `stepwise.minWidth` and `stepwise.maxWidth`. */
export const v4l2Frmsizeenum: StructSchema<
  | 'index'
  | 'pixelFormat'
  | 'type'
  | 'stepwise.minWidth'
  | 'stepwise.maxWidth'
  | 'stepwise.stepWidth'
  | 'stepwise.minHeight'
  | 'stepwise.maxHeight'
  | 'stepwise.stepHeight',
  never,
  never,
  'reserved'
> = defineStruct({
  index: 'u32',
  pixelFormat: 'u32',
  type: 'u32',
  'stepwise.minWidth': 'u32',
  'stepwise.maxWidth': 'u32',
  'stepwise.stepWidth': 'u32',
  'stepwise.minHeight': 'u32',
  'stepwise.maxHeight': 'u32',
  'stepwise.stepHeight': 'u32',
  reserved: 'u32[2]',
});

export const VIDIOC_ENUM_FRAMESIZES: number = ioctlReadWrite({ group: 'V', number: 74 }, v4l2Frmsizeenum.size);

export const V4L2_FRMSIZE_TYPE_DISCRETE = 1;

/** A discrete interval is in `stepwise.min`. */
export const v4l2Frmivalenum: StructSchema<
  | 'index'
  | 'pixelFormat'
  | 'width'
  | 'height'
  | 'type'
  | 'stepwise.min.numerator'
  | 'stepwise.min.denominator'
  | 'stepwise.max.numerator'
  | 'stepwise.max.denominator'
  | 'stepwise.step.numerator'
  | 'stepwise.step.denominator',
  never,
  never,
  'reserved'
> = defineStruct({
  index: 'u32',
  pixelFormat: 'u32',
  width: 'u32',
  height: 'u32',
  type: 'u32',
  'stepwise.min.numerator': 'u32',
  'stepwise.min.denominator': 'u32',
  'stepwise.max.numerator': 'u32',
  'stepwise.max.denominator': 'u32',
  'stepwise.step.numerator': 'u32',
  'stepwise.step.denominator': 'u32',
  reserved: 'u32[2]',
});

export const VIDIOC_ENUM_FRAMEINTERVALS: number = ioctlReadWrite({ group: 'V', number: 75 }, v4l2Frmivalenum.size);

export const V4L2_FRMIVAL_TYPE_DISCRETE = 1;

/** `fmt` is a `v4l2PixFormat`, or a `v4l2PixFormatMplane` of a multi-planar queue. */
export const v4l2Format: StructSchema<'type', never, never, 'fmt'> = defineStruct({
  type: 'u32',
  fmt: 'u64[25]',
});

export const VIDIOC_G_FMT: number = ioctlReadWrite({ group: 'V', number: 4 }, v4l2Format.size);
export const VIDIOC_S_FMT: number = ioctlReadWrite({ group: 'V', number: 5 }, v4l2Format.size);
export const VIDIOC_TRY_FMT: number = ioctlReadWrite({ group: 'V', number: 64 }, v4l2Format.size);

export const v4l2PixFormat: StructSchema<
  | 'width'
  | 'height'
  | 'pixelformat'
  | 'field'
  | 'bytesperline'
  | 'sizeimage'
  | 'colorspace'
  | 'priv'
  | 'flags'
  | 'ycbcrEnc'
  | 'quantization'
  | 'xferFunc'
> = defineStruct({
  width: 'u32',
  height: 'u32',
  pixelformat: 'u32',
  field: 'u32',
  bytesperline: 'u32',
  sizeimage: 'u32',
  colorspace: 'u32',
  priv: 'u32',
  flags: 'u32',
  ycbcrEnc: 'u32',
  quantization: 'u32',
  xferFunc: 'u32',
});

/** In `priv`: the fields behind it mean something. */
export const V4L2_PIX_FMT_PRIV_MAGIC = 0xfeed_cafe;

export const v4l2PlanePixFormat: StructSchema<'sizeimage' | 'bytesperline', never, never, 'reserved'> = defineStruct(
  {
    sizeimage: 'u32',
    bytesperline: 'u32',
    reserved: 'u16[6]',
  },
  { packed: true },
);

/** `planeFmt`: a `v4l2PlanePixFormat` for each of at most `VIDEO_MAX_PLANES`. */
export const v4l2PixFormatMplane: StructSchema<
  | 'width'
  | 'height'
  | 'pixelformat'
  | 'field'
  | 'colorspace'
  | 'numPlanes'
  | 'flags'
  | 'ycbcrEnc'
  | 'quantization'
  | 'xferFunc',
  never,
  never,
  'planeFmt' | 'reserved'
> = defineStruct(
  {
    width: 'u32',
    height: 'u32',
    pixelformat: 'u32',
    field: 'u32',
    colorspace: 'u32',
    planeFmt: 'u8[160]',
    numPlanes: 'u8',
    flags: 'u8',
    ycbcrEnc: 'u8',
    quantization: 'u8',
    xferFunc: 'u8',
    reserved: 'u8[7]',
  },
  { packed: true },
);

export const VIDEO_MAX_PLANES = 8;
/** Whole frames, not interlaced. */
export const V4L2_FIELD_NONE = 1;

/** Of an output too, whose fields lie where a capture's do. */
export const v4l2Streamparm: StructSchema<
  | 'type'
  | 'parm.capture.capability'
  | 'parm.capture.capturemode'
  | 'parm.capture.timeperframe.numerator'
  | 'parm.capture.timeperframe.denominator'
  | 'parm.capture.extendedmode'
  | 'parm.capture.readbuffers',
  never,
  never,
  'parm.capture.reserved'
> = defineStruct({
  type: 'u32',
  'parm.capture.capability': 'u32',
  'parm.capture.capturemode': 'u32',
  'parm.capture.timeperframe.numerator': 'u32',
  'parm.capture.timeperframe.denominator': 'u32',
  'parm.capture.extendedmode': 'u32',
  'parm.capture.readbuffers': 'u32',
  'parm.capture.reserved': 'u32[44]',
});

export const VIDIOC_G_PARM: number = ioctlReadWrite({ group: 'V', number: 21 }, v4l2Streamparm.size);
export const VIDIOC_S_PARM: number = ioctlReadWrite({ group: 'V', number: 22 }, v4l2Streamparm.size);

/** The rate can be set. */
export const V4L2_CAP_TIMEPERFRAME = 0x1000;
