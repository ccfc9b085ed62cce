/** include/uapi/linux/videodev2.h: what a device is, its inputs and its events. */

import { ioctlRead, ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** C's `int`. */
const INT_BYTES = 4;

export const v4l2Capability: StructSchema<
  'version' | 'capabilities' | 'deviceCaps',
  'driver' | 'card' | 'busInfo',
  never,
  'reserved'
> = defineStruct({
  driver: 'char[16]',
  card: 'char[32]',
  busInfo: 'char[32]',
  version: 'u32',
  capabilities: 'u32',
  deviceCaps: 'u32',
  reserved: 'u32[3]',
});

export const VIDIOC_QUERYCAP: number = ioctlRead({ group: 'V', number: 0 }, v4l2Capability.size);

export const V4L2_CAP_VIDEO_CAPTURE = 0x0000_0001;
export const V4L2_CAP_VIDEO_OUTPUT = 0x0000_0002;
export const V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x0000_1000;
export const V4L2_CAP_VIDEO_OUTPUT_MPLANE = 0x0000_2000;
export const V4L2_CAP_VIDEO_M2M_MPLANE = 0x0000_4000;
export const V4L2_CAP_VIDEO_M2M = 0x0000_8000;
export const V4L2_CAP_STREAMING = 0x0400_0000;
/** Inputs and formats are set by way of the media controller. */
export const V4L2_CAP_IO_MC = 0x2000_0000;
/** `deviceCaps` holds what this node can do, and `capabilities` what all of the device can. */
export const V4L2_CAP_DEVICE_CAPS = 0x8000_0000;

export const v4l2Input: StructSchema<
  'index' | 'type' | 'audioset' | 'tuner' | 'status' | 'capabilities',
  'name',
  'std',
  'reserved'
> = defineStruct({
  index: 'u32',
  name: 'char[32]',
  type: 'u32',
  audioset: 'u32',
  tuner: 'u32',
  std: 'u64 exact',
  status: 'u32',
  capabilities: 'u32',
  reserved: 'u32[3]',
});

export const VIDIOC_ENUMINPUT: number = ioctlReadWrite({ group: 'V', number: 26 }, v4l2Input.size);
export const VIDIOC_G_INPUT: number = ioctlRead({ group: 'V', number: 38 }, INT_BYTES);
export const VIDIOC_S_INPUT: number = ioctlReadWrite({ group: 'V', number: 39 }, INT_BYTES);

export const V4L2_IN_ST_NO_POWER = 0x0000_0001;
export const V4L2_IN_ST_NO_SIGNAL = 0x0000_0002;
export const V4L2_IN_ST_NO_SYNC = 0x0001_0000;
export const V4L2_IN_CAP_DV_TIMINGS = 0x0000_0002;

export const v4l2Output: StructSchema<
  'index' | 'type' | 'audioset' | 'modulator' | 'capabilities',
  'name',
  'std',
  'reserved'
> = defineStruct({
  index: 'u32',
  name: 'char[32]',
  type: 'u32',
  audioset: 'u32',
  modulator: 'u32',
  std: 'u64 exact',
  capabilities: 'u32',
  reserved: 'u32[3]',
});

export const VIDIOC_ENUMOUTPUT: number = ioctlReadWrite({ group: 'V', number: 48 }, v4l2Output.size);
export const VIDIOC_G_OUTPUT: number = ioctlRead({ group: 'V', number: 46 }, INT_BYTES);
export const VIDIOC_S_OUTPUT: number = ioctlReadWrite({ group: 'V', number: 47 }, INT_BYTES);
