import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { parseDmaBufFdinfo } from '../../linux/dma-buf-fdinfo.ts';
import { readSystemFile } from '../../linux/system-file.ts';
import { parseDmaBufPath } from './dma-buf-path.ts';
import { parseDmaBufMappings } from './mapping-list.ts';
import type { DmaBufMapping } from './mapping-list.ts';
import { parseProcessStatus } from './process-status.ts';
import type { ProcessStatus } from './process-status.ts';
import { readOrRefusal, readUnlessForbidden, readUnlessGone } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** A descriptor of a dma-buf. */
export interface HeldDescriptor {
  readonly fd: number;
  readonly inode: number;
  /** In bytes. */
  readonly size: number;
  readonly exporter: string;
  readonly name: string | undefined;
  readonly references: number;
}

/** A mapping of a dma-buf. */
export interface HeldMapping {
  readonly inode: number;
  readonly name: string | undefined;
  /** In bytes; at least, where the kernel does not let us look further than the mapping. */
  readonly size: number;
  readonly sizeIsMinimum: boolean;
}

interface Holds {
  readonly descriptors: readonly HeldDescriptor[];
  readonly mappings: readonly HeldMapping[];
  /** Descriptors and mappings of dma-bufs that this kernel does not tell apart. */
  readonly indistinctCount: number;
  /** Nothing was forbidden. */
  readonly isWhole: boolean;
}

/** What one process holds. Descriptors that a thread keeps for itself (`unshare(CLONE_FILES)`) are not seen. */
export interface ProcessHoldings extends ProcessStatus, Holds {
  readonly pid: number;
}

const NOTHING_HELD: Holds = { descriptors: [], mappings: [], indistinctCount: 0, isWhole: true };

/**
 * Reads what a process holds of dma-bufs (man 5 proc: `fd`, `fdinfo`, `maps`).
 *
 * @param folder the process's, such as `/proc/42`
 * @returns why not, for a process that ended meanwhile, or that is not ours to look into (PTRACE_MODE_READ, man 2 ptrace)
 */
export function readProcessHoldings(folder: string, pid: number): ProcessHoldings | Refusal {
  const reading = readOrRefusal(() => {
    const status = parseProcessStatus(readSystemFile(join(folder, 'stat')).toString());
    return { pid, ...status, ...(status.isKernelThread ? NOTHING_HELD : readHolds(folder)) };
  });
  return 'value' in reading ? reading.value : reading.refusal;
}

/** A security module may forbid one of the two, and allow the other. */
function readHolds(folder: string): Holds {
  const descriptors = readUnlessForbidden(() => readDescriptors(folder));
  const mappings = readUnlessForbidden(() => parseDmaBufMappings(readSystemFile(join(folder, 'maps')).toString()));
  const held = descriptors?.held ?? [];
  return {
    descriptors: held,
    mappings: (mappings?.mappings ?? []).map((mapping) => toHeldMapping(folder, mapping, held)),
    indistinctCount: (descriptors?.indistinctCount ?? 0) + (mappings?.indistinctCount ?? 0),
    isWhole: descriptors !== undefined && mappings !== undefined,
  };
}

function readDescriptors(folder: string): { held: HeldDescriptor[]; indistinctCount: number } {
  const found = readdirSync(join(folder, 'fd')).map((fd) => readUnlessGone(() => readDescriptor(folder, fd)));
  return {
    held: found.filter((one) => typeof one === 'object'),
    indistinctCount: found.filter((one) => one === 'indistinct').length,
  };
}

/** Undefined for a descriptor of something else. */
function readDescriptor(folder: string, fd: string): HeldDescriptor | 'indistinct' | undefined {
  const path = parseDmaBufPath(readlinkSync(join(folder, 'fd', fd)));
  if (path === 'other') return undefined;
  if (path === 'indistinct') return path;
  // A file of that name in the root folder is no dma-buf: its fdinfo shows.
  const fdinfo = parseDmaBufFdinfo(readSystemFile(join(folder, 'fdinfo', fd)).toString());
  return fdinfo && { ...fdinfo, fd: Number(fd), inode: fdinfo.inode ?? statSync(join(folder, 'fd', fd)).ino };
}

/** The size is known from a descriptor of the same buffer, or else to those who may follow `map_files` (CAP_CHECKPOINT_RESTORE). */
function toHeldMapping(folder: string, mapping: DmaBufMapping, descriptors: readonly HeldDescriptor[]): HeldMapping {
  const { inode, name, end, file } = mapping;
  const same = descriptors.find((descriptor) => descriptor.inode === inode);
  const size = same?.size ?? readMappedFileSize(join(folder, 'map_files', file));
  return { inode, name, size: size ?? end, sizeIsMinimum: size === undefined };
}

function readMappedFileSize(path: string): number | undefined {
  const status = readOrRefusal(() => statSync(path));
  return 'value' in status ? status.value.size : undefined;
}
