/** include/uapi/linux/videodev2.h: controls and events. */

import { ioctlRead, ioctlReadWrite, ioctlWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const v4l2QueryExtCtrl: StructSchema<
  'id' | 'type' | 'flags' | 'elemSize' | 'elems' | 'nrOfDims',
  'name',
  'minimum' | 'maximum' | 'step' | 'defaultValue',
  'dims' | 'reserved'
> = defineStruct({
  id: 'u32',
  type: 'u32',
  name: 'char[32]',
  minimum: 's64 exact',
  maximum: 's64 exact',
  step: 'u64 exact',
  defaultValue: 's64 exact',
  flags: 'u32',
  elemSize: 'u32',
  elems: 'u32',
  nrOfDims: 'u32',
  dims: 'u32[4]',
  reserved: 'u32[32]',
});

export const VIDIOC_QUERY_EXT_CTRL: number = ioctlReadWrite({ group: 'V', number: 103 }, v4l2QueryExtCtrl.size);

export const V4L2_CTRL_TYPE_INTEGER = 1;
export const V4L2_CTRL_TYPE_BOOLEAN = 2;
export const V4L2_CTRL_TYPE_MENU = 3;
export const V4L2_CTRL_TYPE_BUTTON = 4;
export const V4L2_CTRL_TYPE_INTEGER64 = 5;
export const V4L2_CTRL_TYPE_CTRL_CLASS = 6;
export const V4L2_CTRL_TYPE_STRING = 7;
export const V4L2_CTRL_TYPE_BITMASK = 8;
export const V4L2_CTRL_TYPE_INTEGER_MENU = 9;

export const V4L2_CTRL_FLAG_DISABLED = 0x0001;
export const V4L2_CTRL_FLAG_GRABBED = 0x0002;
export const V4L2_CTRL_FLAG_READ_ONLY = 0x0004;
export const V4L2_CTRL_FLAG_INACTIVE = 0x0010;
export const V4L2_CTRL_FLAG_WRITE_ONLY = 0x0040;
export const V4L2_CTRL_FLAG_VOLATILE = 0x0080;
/** The value lies behind a pointer: a text, or an array. */
export const V4L2_CTRL_FLAG_HAS_PAYLOAD = 0x0100;
export const V4L2_CTRL_FLAG_NEXT_CTRL = 0x8000_0000;

/** Of an integer menu, the first 8 bytes of `name` are the value. */
export const v4l2Querymenu: StructSchema<'id' | 'index' | 'reserved', 'name'> = defineStruct(
  {
    id: 'u32',
    index: 'u32',
    name: 'char[32]',
    reserved: 'u32',
  },
  { packed: true },
);

export const VIDIOC_QUERYMENU: number = ioctlReadWrite({ group: 'V', number: 37 }, v4l2Querymenu.size);

/** `value64`: a value, or the address of one. */
export const v4l2ExtControl: StructSchema<'id' | 'size' | 'reserved2', never, 'value64'> = defineStruct(
  {
    id: 'u32',
    size: 'u32',
    reserved2: 'u32',
    value64: 's64 exact',
  },
  { packed: true },
);

export const v4l2ExtControls: StructSchema<
  'which' | 'count' | 'errorIdx' | 'requestFd' | 'controls',
  never,
  never,
  'reserved'
> = defineStruct({
  which: 'u32',
  count: 'u32',
  errorIdx: 'u32',
  requestFd: 's32',
  reserved: 'u32[1]',
  controls: 'u64',
});

export const VIDIOC_G_EXT_CTRLS: number = ioctlReadWrite({ group: 'V', number: 71 }, v4l2ExtControls.size);
export const VIDIOC_S_EXT_CTRLS: number = ioctlReadWrite({ group: 'V', number: 72 }, v4l2ExtControls.size);

export const v4l2EventSubscription: StructSchema<'type' | 'id' | 'flags', never, never, 'reserved'> = defineStruct({
  type: 'u32',
  id: 'u32',
  flags: 'u32',
  reserved: 'u32[5]',
});

export const VIDIOC_SUBSCRIBE_EVENT: number = ioctlWrite({ group: 'V', number: 90 }, v4l2EventSubscription.size);

export const V4L2_EVENT_EOS = 2;
export const V4L2_EVENT_CTRL = 3;
export const V4L2_EVENT_SOURCE_CHANGE = 5;
/** Also changes that this descriptor makes itself. */
export const V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK = 0x2;
export const V4L2_EVENT_CTRL_CH_VALUE = 0x1;
export const V4L2_EVENT_CTRL_CH_FLAGS = 0x2;
export const V4L2_EVENT_CTRL_CH_RANGE = 0x4;
export const V4L2_EVENT_SRC_CH_RESOLUTION = 0x1;

export const v4l2Event: StructSchema<
  'type' | 'pending' | 'sequence' | 'timestamp.tvSec' | 'timestamp.tvNsec' | 'id',
  never,
  never,
  'u' | 'reserved'
> = defineStruct({
  type: 'u32',
  u: 'u64[8]',
  pending: 'u32',
  sequence: 'u32',
  'timestamp.tvSec': 's64',
  'timestamp.tvNsec': 's64',
  id: 'u32',
  reserved: 'u32[8]',
});

export const VIDIOC_DQEVENT: number = ioctlRead({ group: 'V', number: 89 }, v4l2Event.size);

export const v4l2EventCtrl: StructSchema<
  'changes' | 'type' | 'flags' | 'minimum' | 'maximum' | 'step' | 'defaultValue',
  never,
  'value64'
> = defineStruct({
  changes: 'u32',
  type: 'u32',
  value64: 's64 exact',
  flags: 'u32',
  minimum: 's32',
  maximum: 's32',
  step: 's32',
  defaultValue: 's32',
});

export const v4l2EventSrcChange: StructSchema<'changes'> = defineStruct({
  changes: 'u32',
});
