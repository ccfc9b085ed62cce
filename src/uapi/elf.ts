/** include/uapi/linux/elf.h */

import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** The header of a file. */
export const elf64Hdr: StructSchema<
  | 'eType'
  | 'eMachine'
  | 'eVersion'
  | 'eEntry'
  | 'ePhoff'
  | 'eShoff'
  | 'eFlags'
  | 'eEhsize'
  | 'ePhentsize'
  | 'ePhnum'
  | 'eShentsize'
  | 'eShnum'
  | 'eShstrndx',
  'eIdent'
> = defineStruct({
  eIdent: 'char[16]',
  eType: 'u16',
  eMachine: 'u16',
  eVersion: 'u32',
  eEntry: 'u64',
  ePhoff: 'u64',
  eShoff: 'u64',
  eFlags: 'u32',
  eEhsize: 'u16',
  ePhentsize: 'u16',
  ePhnum: 'u16',
  eShentsize: 'u16',
  eShnum: 'u16',
  eShstrndx: 'u16',
});

/** The header of a segment. The kernel's memory lies at offsets that no double has exactly. */
export const elf64Phdr: StructSchema<
  'pType' | 'pFlags' | 'pVaddr' | 'pPaddr' | 'pFilesz' | 'pMemsz' | 'pAlign',
  never,
  'pOffset'
> = defineStruct({
  pType: 'u32',
  pFlags: 'u32',
  pOffset: 'u64 exact',
  pVaddr: 'u64',
  pPaddr: 'u64',
  pFilesz: 'u64',
  pMemsz: 'u64',
  pAlign: 'u64',
});

export const PT_LOAD = 1;
