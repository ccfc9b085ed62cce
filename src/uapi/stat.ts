/** include/uapi/linux/stat.h */

import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** The remaining fields, of mounts, are unused here. */
export const statx: StructSchema<
  | 'stxMask'
  | 'stxBlksize'
  | 'stxAttributes'
  | 'stxNlink'
  | 'stxUid'
  | 'stxGid'
  | 'stxMode'
  | 'stxIno'
  | 'stxSize'
  | 'stxBlocks'
  | 'stxAttributesMask'
  | 'stxRdevMajor'
  | 'stxRdevMinor'
  | 'stxDevMajor'
  | 'stxDevMinor',
  never,
  never,
  'stxAtime' | 'stxBtime' | 'stxCtime' | 'stxMtime'
> = defineStruct(
  {
    stxMask: 'u32',
    stxBlksize: 'u32',
    stxAttributes: 'u64',
    stxNlink: 'u32',
    stxUid: 'u32',
    stxGid: 'u32',
    stxMode: 'u16',
    stxIno: 'u64',
    stxSize: 'u64',
    stxBlocks: 'u64',
    stxAttributesMask: 'u64',
    stxAtime: 'u64[2]',
    stxBtime: 'u64[2]',
    stxCtime: 'u64[2]',
    stxMtime: 'u64[2]',
    stxRdevMajor: 'u32',
    stxRdevMinor: 'u32',
    stxDevMajor: 'u32',
    stxDevMinor: 'u32',
  },
  { size: 256 },
);

/** Type, mode, links, owner, times, inode, size and blocks. */
export const STATX_BASIC_STATS = 0x7ff;
