/** vm/modules/standin/dmabuf_standin.h */

import { ioctlReadWrite } from '../../../src/uapi/ioctl.ts';
import { defineStruct } from '../../../src/uapi/struct.ts';
import type { StructSchema } from '../../../src/uapi/struct.ts';

export const dmabufStandinMap: StructSchema<'fd' | 'holdMs' | 'size' | 'mapNs' | 'fromNs'> = defineStruct({
  fd: 's32',
  holdMs: 'u32',
  size: 'u64',
  mapNs: 'u64',
  fromNs: 'u64',
});
export const DMABUF_STANDIN_AOV: number = ioctlReadWrite({ group: 'S', number: 0 }, dmabufStandinMap.size);
export const DMABUF_STANDIN_CAM: number = ioctlReadWrite({ group: 'S', number: 1 }, dmabufStandinMap.size);
export const DMABUF_STANDIN_NPU: number = ioctlReadWrite({ group: 'S', number: 2 }, dmabufStandinMap.size);
export const DMABUF_STANDIN_HOLD: number = ioctlReadWrite({ group: 'S', number: 3 }, dmabufStandinMap.size);
