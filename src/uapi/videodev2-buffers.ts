/** include/uapi/linux/videodev2.h: buffers and their queues. */

import { ioctlReadWrite, ioctlWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** C's `int`. */
const INT_BYTES = 4;

export const V4L2_BUF_TYPE_VIDEO_CAPTURE = 1;
export const V4L2_BUF_TYPE_VIDEO_OUTPUT = 2;
export const V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE = 9;
export const V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE = 10;
export const V4L2_MEMORY_MMAP = 1;
export const V4L2_MEMORY_DMABUF = 4;

export const v4l2Requestbuffers: StructSchema<
  'count' | 'type' | 'memory' | 'capabilities' | 'flags',
  never,
  never,
  'reserved'
> = defineStruct({
  count: 'u32',
  type: 'u32',
  memory: 'u32',
  capabilities: 'u32',
  flags: 'u8',
  reserved: 'u8[3]',
});

export const VIDIOC_REQBUFS: number = ioctlReadWrite({ group: 'V', number: 8 }, v4l2Requestbuffers.size);

export const V4L2_BUF_CAP_SUPPORTS_MMAP = 0x01;
export const V4L2_BUF_CAP_SUPPORTS_USERPTR = 0x02;
export const V4L2_BUF_CAP_SUPPORTS_DMABUF = 0x04;
export const V4L2_BUF_CAP_SUPPORTS_REQUESTS = 0x08;
/** Buffers may be in use when the queue gives them up. */
export const V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS = 0x10;

/** `m`: a descriptor, or the address of `length` planes. */
export const v4l2Buffer: StructSchema<
  | 'index'
  | 'type'
  | 'bytesused'
  | 'flags'
  | 'field'
  | 'timestamp.tvSec'
  | 'timestamp.tvUsec'
  | 'sequence'
  | 'memory'
  | 'm'
  | 'length'
  | 'reserved2'
  | 'requestFd',
  never,
  never,
  'timecode'
> = defineStruct({
  index: 'u32',
  type: 'u32',
  bytesused: 'u32',
  flags: 'u32',
  field: 'u32',
  'timestamp.tvSec': 's64',
  'timestamp.tvUsec': 's64',
  timecode: 'u32[4]',
  sequence: 'u32',
  memory: 'u32',
  m: 'u64',
  length: 'u32',
  reserved2: 'u32',
  requestFd: 's32',
});

export const VIDIOC_QBUF: number = ioctlReadWrite({ group: 'V', number: 15 }, v4l2Buffer.size);
export const VIDIOC_DQBUF: number = ioctlReadWrite({ group: 'V', number: 17 }, v4l2Buffer.size);

export const V4L2_BUF_FLAG_KEYFRAME = 0x0000_0008;
/** The data may be damaged; streaming goes on. */
export const V4L2_BUF_FLAG_ERROR = 0x0000_0040;
export const V4L2_BUF_FLAG_TIMESTAMP_MASK = 0x0000_e000;
export const V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = 0x0000_2000;
export const V4L2_BUF_FLAG_TIMESTAMP_COPY = 0x0000_4000;
export const V4L2_BUF_FLAG_TSTAMP_SRC_MASK = 0x0007_0000;
/** Taken when the exposure began, rather than when the last pixel came. */
export const V4L2_BUF_FLAG_TSTAMP_SRC_SOE = 0x0001_0000;

/** `m`: a descriptor. */
export const v4l2Plane: StructSchema<'bytesused' | 'length' | 'm' | 'dataOffset', never, never, 'reserved'> =
  defineStruct({
    bytesused: 'u32',
    length: 'u32',
    m: 'u64',
    dataOffset: 'u32',
    reserved: 'u32[11]',
  });

export const v4l2Exportbuffer: StructSchema<'type' | 'index' | 'plane' | 'flags' | 'fd', never, never, 'reserved'> =
  defineStruct({
    type: 'u32',
    index: 'u32',
    plane: 'u32',
    flags: 'u32',
    fd: 's32',
    reserved: 'u32[11]',
  });

export const VIDIOC_EXPBUF: number = ioctlReadWrite({ group: 'V', number: 16 }, v4l2Exportbuffer.size);

export const VIDIOC_STREAMON: number = ioctlWrite({ group: 'V', number: 18 }, INT_BYTES);
export const VIDIOC_STREAMOFF: number = ioctlWrite({ group: 'V', number: 19 }, INT_BYTES);
