/** include/uapi/linux/dma-buf.h */

import { ioctlReadWrite, ioctlWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const dmaBufSync: StructSchema<'flags'> = defineStruct({ flags: 'u64' });

export const DMA_BUF_SYNC_READ = 1;
export const DMA_BUF_SYNC_WRITE = 2;
export const DMA_BUF_SYNC_START = 0;
export const DMA_BUF_SYNC_END = 4;
export const DMA_BUF_IOCTL_SYNC: number = ioctlWrite({ group: 'b', number: 0 }, dmaBufSync.size);

/**
 * The argument is the address of the name itself: the kernel takes 4 bytes for it (`_A`) or 8
 * (`_B`).
 */
const NAME_ADDRESS_BYTES = 8;
export const DMA_BUF_SET_NAME_B: number = ioctlWrite({ group: 'b', number: 1 }, NAME_ADDRESS_BYTES);

export const dmaBufExportSyncFile: StructSchema<'flags' | 'fd'> = defineStruct({ flags: 'u32', fd: 's32' });
export const DMA_BUF_IOCTL_EXPORT_SYNC_FILE: number = ioctlReadWrite(
  { group: 'b', number: 2 },
  dmaBufExportSyncFile.size,
);

export const dmaBufImportSyncFile: StructSchema<'flags' | 'fd'> = defineStruct({ flags: 'u32', fd: 's32' });
export const DMA_BUF_IOCTL_IMPORT_SYNC_FILE: number = ioctlWrite({ group: 'b', number: 3 }, dmaBufImportSyncFile.size);
