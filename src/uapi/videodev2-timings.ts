/** include/uapi/linux/videodev2.h: timings of digital video inputs. */

import { ioctlRead, ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const v4l2DvTimings: StructSchema<
  | 'type'
  | 'bt.width'
  | 'bt.height'
  | 'bt.interlaced'
  | 'bt.polarities'
  | 'bt.pixelclock'
  | 'bt.hfrontporch'
  | 'bt.hsync'
  | 'bt.hbackporch'
  | 'bt.vfrontporch'
  | 'bt.vsync'
  | 'bt.vbackporch'
  | 'bt.ilVfrontporch'
  | 'bt.ilVsync'
  | 'bt.ilVbackporch'
  | 'bt.standards'
  | 'bt.flags'
  | 'bt.pictureAspect.numerator'
  | 'bt.pictureAspect.denominator'
  | 'bt.cea861Vic'
  | 'bt.hdmiVic',
  never,
  never,
  'bt.reserved'
> = defineStruct(
  {
    type: 'u32',
    'bt.width': 'u32',
    'bt.height': 'u32',
    'bt.interlaced': 'u32',
    'bt.polarities': 'u32',
    'bt.pixelclock': 'u64',
    'bt.hfrontporch': 'u32',
    'bt.hsync': 'u32',
    'bt.hbackporch': 'u32',
    'bt.vfrontporch': 'u32',
    'bt.vsync': 'u32',
    'bt.vbackporch': 'u32',
    'bt.ilVfrontporch': 'u32',
    'bt.ilVsync': 'u32',
    'bt.ilVbackporch': 'u32',
    'bt.standards': 'u32',
    'bt.flags': 'u32',
    'bt.pictureAspect.numerator': 'u32',
    'bt.pictureAspect.denominator': 'u32',
    'bt.cea861Vic': 'u8',
    'bt.hdmiVic': 'u8',
    'bt.reserved': 'u8[46]',
  },
  { packed: true, size: 132 },
);

export const VIDIOC_S_DV_TIMINGS: number = ioctlReadWrite({ group: 'V', number: 87 }, v4l2DvTimings.size);
export const VIDIOC_G_DV_TIMINGS: number = ioctlReadWrite({ group: 'V', number: 88 }, v4l2DvTimings.size);
export const VIDIOC_QUERY_DV_TIMINGS: number = ioctlRead({ group: 'V', number: 99 }, v4l2DvTimings.size);

export const V4L2_DV_BT_656_1120 = 0;
