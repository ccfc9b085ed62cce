/** include/uapi/linux/dma-buf.h */

import { ioctlWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const dmaBufSync: StructSchema<'flags'> = defineStruct({ flags: 'u64' });

export const DMA_BUF_SYNC_READ = 1;
export const DMA_BUF_SYNC_WRITE = 2;
export const DMA_BUF_SYNC_START = 0;
export const DMA_BUF_SYNC_END = 4;
export const DMA_BUF_IOCTL_SYNC: number = ioctlWrite({ group: 'b', number: 0 }, dmaBufSync.size);
