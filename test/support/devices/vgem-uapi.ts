/** include/uapi/drm/vgem_drm.h: vgem is a device driver without a device. */

import { ioctlReadWrite, ioctlWrite } from '../../../src/uapi/ioctl.ts';
import { defineStruct } from '../../../src/uapi/struct.ts';
import type { StructSchema } from '../../../src/uapi/struct.ts';

/** Commands from here on are a driver's own. */
const DRM_COMMAND_BASE = 0x40;

export const VGEM_FENCE_WRITE = 0x1;

export const drmVgemFenceAttach: StructSchema<'handle' | 'flags' | 'outFence' | 'pad'> = defineStruct({
  handle: 'u32',
  flags: 'u32',
  outFence: 'u32',
  pad: 'u32',
});
export const DRM_IOCTL_VGEM_FENCE_ATTACH: number = ioctlReadWrite(
  { group: 'd', number: DRM_COMMAND_BASE + 1 },
  drmVgemFenceAttach.size,
);

export const drmVgemFenceSignal: StructSchema<'fence' | 'flags'> = defineStruct({ fence: 'u32', flags: 'u32' });
export const DRM_IOCTL_VGEM_FENCE_SIGNAL: number = ioctlWrite(
  { group: 'd', number: DRM_COMMAND_BASE + 2 },
  drmVgemFenceSignal.size,
);
