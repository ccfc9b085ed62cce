/** include/uapi/linux/sync_file.h */

import { ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const syncMergeData: StructSchema<'fd2' | 'fence' | 'flags' | 'pad', 'name'> = defineStruct({
  name: 'char[32]',
  fd2: 's32',
  fence: 's32',
  flags: 'u32',
  pad: 'u32',
});
export const SYNC_IOC_MERGE: number = ioctlReadWrite({ group: '>', number: 3 }, syncMergeData.size);

export const syncFenceInfo: StructSchema<'status' | 'flags', 'objName' | 'driverName', 'timestampNs'> = defineStruct({
  objName: 'char[32]',
  driverName: 'char[32]',
  status: 's32',
  flags: 'u32',
  timestampNs: 'u64 exact',
});

/** `syncFenceInfo`: the address of the array that the kernel fills. */
export const syncFileInfo: StructSchema<'status' | 'flags' | 'numFences' | 'pad' | 'syncFenceInfo', 'name'> =
  defineStruct({
    name: 'char[32]',
    status: 's32',
    flags: 'u32',
    numFences: 'u32',
    pad: 'u32',
    syncFenceInfo: 'u64',
  });
export const SYNC_IOC_FILE_INFO: number = ioctlReadWrite({ group: '>', number: 4 }, syncFileInfo.size);
