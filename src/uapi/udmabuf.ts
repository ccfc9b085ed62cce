/** include/uapi/linux/udmabuf.h */

import { ioctlWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const udmabufCreate: StructSchema<'memfd' | 'flags' | 'offset' | 'size'> = defineStruct({
  memfd: 'u32',
  flags: 'u32',
  offset: 'u64',
  size: 'u64',
});

export const UDMABUF_FLAGS_CLOEXEC = 0x01;
export const UDMABUF_CREATE: number = ioctlWrite({ group: 'u', number: 0x42 }, udmabufCreate.size);

export const udmabufCreateItem: StructSchema<'memfd' | '__pad' | 'offset' | 'size'> = defineStruct({
  memfd: 'u32',
  __pad: 'u32',
  offset: 'u64',
  size: 'u64',
});

/** Its items follow it. */
export const udmabufCreateList: StructSchema<'flags' | 'count'> = defineStruct({ flags: 'u32', count: 'u32' });
export const UDMABUF_CREATE_LIST: number = ioctlWrite({ group: 'u', number: 0x43 }, udmabufCreateList.size);
