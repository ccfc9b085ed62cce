/** include/uapi/drm/drm.h: what every card understands, whatever it shows. */

import { O_CLOEXEC, O_RDWR } from './fcntl.ts';
import { ioctlReadWrite, ioctlWithout, ioctlWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const DRM_CAP_DUMB_BUFFER = 0x1;
export const DRM_CAP_PRIME = 0x5;
export const DRM_CAP_TIMESTAMP_MONOTONIC = 0x6;
export const DRM_CAP_ASYNC_PAGE_FLIP = 0x7;
export const DRM_CAP_ADDFB2_MODIFIERS = 0x10;

export const DRM_PRIME_CAP_IMPORT = 0x1;
export const DRM_PRIME_CAP_EXPORT = 0x2;

export const DRM_CLIENT_CAP_UNIVERSAL_PLANES = 2;
export const DRM_CLIENT_CAP_ATOMIC = 3;

export const DRM_CLOEXEC: number = O_CLOEXEC;
export const DRM_RDWR: number = O_RDWR;

/** Texts go to the addresses `name`, `date` and `desc`, without a closing NUL. */
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

export const drmGetCap: StructSchema<'capability' | 'value'> = defineStruct({ capability: 'u64', value: 'u64' });
export const DRM_IOCTL_GET_CAP: number = ioctlReadWrite({ group: 'd', number: 0x0c }, drmGetCap.size);

export const drmSetClientCap: StructSchema<'capability' | 'value'> = defineStruct({ capability: 'u64', value: 'u64' });
export const DRM_IOCTL_SET_CLIENT_CAP: number = ioctlWrite({ group: 'd', number: 0x0d }, drmSetClientCap.size);

export const DRM_IOCTL_SET_MASTER: number = ioctlWithout({ group: 'd', number: 0x1e });
export const DRM_IOCTL_DROP_MASTER: number = ioctlWithout({ group: 'd', number: 0x1f });

export const drmPrimeHandle: StructSchema<'handle' | 'flags' | 'fd'> = defineStruct({
  handle: 'u32',
  flags: 'u32',
  fd: 's32',
});
export const DRM_IOCTL_PRIME_HANDLE_TO_FD: number = ioctlReadWrite({ group: 'd', number: 0x2d }, drmPrimeHandle.size);
export const DRM_IOCTL_PRIME_FD_TO_HANDLE: number = ioctlReadWrite({ group: 'd', number: 0x2e }, drmPrimeHandle.size);

/** A rectangle: its right and bottom edges are no part of it. */
export const drmClipRect: StructSchema<'x1' | 'y1' | 'x2' | 'y2'> = defineStruct({
  x1: 'u16',
  y1: 'u16',
  x2: 'u16',
  y2: 'u16',
});

/** What every event that a card's descriptor gives begins with. */
export const drmEvent: StructSchema<'type' | 'length'> = defineStruct({ type: 'u32', length: 'u32' });
export const DRM_EVENT_FLIP_COMPLETE = 0x02;

export const drmEventVblank: StructSchema<
  'base.type' | 'base.length' | 'userData' | 'tvSec' | 'tvUsec' | 'sequence' | 'crtcId'
> = defineStruct({
  'base.type': 'u32',
  'base.length': 'u32',
  userData: 'u64',
  tvSec: 'u32',
  tvUsec: 'u32',
  sequence: 'u32',
  crtcId: 'u32',
});
