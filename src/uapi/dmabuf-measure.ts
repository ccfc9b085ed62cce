/** vm/modules/measure/dmabuf_measure.h: of the kernel module that this repository builds. */

import { ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** Passed in: `fd` and `round`. The rest is the driver's answer. */
export const dmabufMeasureRound: StructSchema<
  | 'fd'
  | 'round'
  | 'size'
  | 'pages'
  | 'entries'
  | 'attachNs'
  | 'allocNs'
  | 'byPageNs'
  | 'byEntryNs'
  | 'vmapNs'
  | 'vunmapNs'
  | 'freeNs'
  | 'wholeNs'
  | 'wholeVunmapNs'
> = defineStruct({
  fd: 's32',
  round: 'u32',
  size: 'u64',
  pages: 'u64',
  entries: 'u64',
  attachNs: 'u64',
  allocNs: 'u64',
  byPageNs: 'u64',
  byEntryNs: 'u64',
  vmapNs: 'u64',
  vunmapNs: 'u64',
  freeNs: 'u64',
  wholeNs: 'u64',
  wholeVunmapNs: 'u64',
});

export const DMABUF_MEASURE_ROUND: number = ioctlReadWrite({ group: 'M', number: 0 }, dmabufMeasureRound.size);
