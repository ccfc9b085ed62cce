/** include/uapi/drm/drm.h, drm_mode.h and vgem_drm.h, as far as the tests use vgem, a device driver without a device. */

import { ioctlReadWrite, ioctlWrite } from '../../src/uapi/ioctl.ts';
import { defineStruct } from '../../src/uapi/struct.ts';
import type { StructSchema } from '../../src/uapi/struct.ts';

/** Commands from here on are a driver's own. */
const DRM_COMMAND_BASE = 0x40;

export const drmVersion: StructSchema<
  'versionMajor' | 'versionMinor' | 'versionPatchlevel' | 'nameLen' | 'name' | 'dateLen' | 'date' | 'descLen' | 'desc'
> = defineStruct({
  versionMajor: 's32',
  versionMinor: 's32',
  versionPatchlevel: 's32',
  nameLen: 'u64',
  name: 'u64',
  dateLen: 'u64',
  date: 'u64',
  descLen: 'u64',
  desc: 'u64',
});
export const DRM_IOCTL_VERSION: number = ioctlReadWrite({ group: 'd', number: 0x00 }, drmVersion.size);

export const drmGemClose: StructSchema<'handle' | 'pad'> = defineStruct({ handle: 'u32', pad: 'u32' });
export const DRM_IOCTL_GEM_CLOSE: number = ioctlWrite({ group: 'd', number: 0x09 }, drmGemClose.size);

export const drmPrimeHandle: StructSchema<'handle' | 'flags' | 'fd'> = defineStruct({
  handle: 'u32',
  flags: 'u32',
  fd: 's32',
});
export const DRM_IOCTL_PRIME_HANDLE_TO_FD: number = ioctlReadWrite({ group: 'd', number: 0x2d }, drmPrimeHandle.size);
export const DRM_IOCTL_PRIME_FD_TO_HANDLE: number = ioctlReadWrite({ group: 'd', number: 0x2e }, drmPrimeHandle.size);

export const drmModeCreateDumb: StructSchema<'height' | 'width' | 'bpp' | 'flags' | 'handle' | 'pitch' | 'size'> =
  defineStruct({
    height: 'u32',
    width: 'u32',
    bpp: 'u32',
    flags: 'u32',
    handle: 'u32',
    pitch: 'u32',
    size: 'u64',
  });
export const DRM_IOCTL_MODE_CREATE_DUMB: number = ioctlReadWrite({ group: 'd', number: 0xb2 }, drmModeCreateDumb.size);

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
