import { readdirSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { mentionsDmaBuf, parseDmaBufFdinfo } from '../../linux/proc/dma-buf-fdinfo.ts';
import type { SystemTextReader } from '../../linux/proc/system-text-reader.ts';
import { DMA_BUF_MAGIC } from '../../uapi/magic.ts';
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
  /** Undefined where the kernel does not show it. */
  readonly references: number | undefined;
}

/** A mapping of a dma-buf. */
export interface HeldMapping {
  readonly inode: number;
  readonly name: string | undefined;
  /** In bytes. A lower bound where the kernel shows only the mapping. */
  readonly size: number;
  readonly sizeIsMinimum: boolean;
}

interface Holds {
  readonly descriptors: readonly HeldDescriptor[];
  readonly mappings: readonly HeldMapping[];
  /** Descriptors and mappings of dma-bufs that this kernel does not distinguish. */
  readonly indistinctCount: number;
  /** Descriptors and mappings of dma-bufs whose text could not be parsed. */
  readonly unreadableCount: number;
  /** Whether no access was denied. */
  readonly isWhole: boolean;
}

/**
 * The holdings of one process. Private descriptor tables of single threads (`unshare(CLONE_FILES)`)
 * are not seen.
 */
export interface ProcessHoldings extends ProcessStatus, Holds {
  readonly pid: number;
  /**
   * Other processes with the same descriptor table (`CLONE_FILES`, man 2 clone), which is listed
   * only here.
   */
  readonly descriptorsSharedWith?: readonly number[];
  /** Other processes with the same memory (`CLONE_VM`), whose mappings are listed only here. */
  readonly mappingsSharedWith?: readonly number[];
}

/** An examined descriptor; undefined for one of another file. */
type DescriptorReading = HeldDescriptor | 'indistinct' | 'unreadable' | undefined;

const NOTHING_HELD: Holds = {
  descriptors: [],
  mappings: [],
  indistinctCount: 0,
  unreadableCount: 0,
  isWhole: true,
};

/**
 * Reads the dma-bufs that a process holds (man 5 proc: `fd`, `fdinfo`, `maps`).
 *
 * @param folder the process's, such as `/proc/42`
 * @returns the reason instead, for a process that ended meanwhile, or that this process may not
 *   inspect (PTRACE_MODE_READ, man 2 ptrace)
 */
export function readProcessHoldings(folder: string, pid: number, reader: SystemTextReader): ProcessHoldings | Refusal {
  const reading = readOrRefusal(() => {
    const status = parseProcessStatus(reader.read(join(folder, 'stat')));
    return { pid, ...status, ...(status.isKernelThread ? NOTHING_HELD : readHolds(folder, reader)) };
  });
  return 'value' in reading ? reading.value : reading.refusal;
}

/** A security module may allow only one of the two. */
function readHolds(folder: string, reader: SystemTextReader): Holds {
  const descriptors = readUnlessForbidden(() => readDescriptors(folder, reader));
  const mappings = readUnlessForbidden(() => parseDmaBufMappings(reader.read(join(folder, 'maps'))));
  const held = descriptors?.filter((one) => typeof one === 'object') ?? [];
  const countOf = (kind: DescriptorReading): number => descriptors?.filter((one) => one === kind).length ?? 0;
  return {
    descriptors: held,
    mappings: toHeldMappings(folder, mappings?.mappings ?? [], held),
    indistinctCount: countOf('indistinct') + (mappings?.indistinctCount ?? 0),
    unreadableCount: countOf('unreadable') + (mappings?.unreadableCount ?? 0),
    isWhole: descriptors !== undefined && mappings !== undefined,
  };
}

function readDescriptors(folder: string, reader: SystemTextReader): DescriptorReading[] {
  return readdirSync(join(folder, 'fd')).map((fd) => readUnlessGone(() => readDescriptor(folder, fd, reader)));
}

/** Only descriptors with the name of a dma-buf are examined further: most are of other files. */
function readDescriptor(folder: string, fd: string, reader: SystemTextReader): DescriptorReading {
  const path = parseDmaBufPath(readlinkSync(`${folder}/fd/${fd}`));
  if (path === 'other') return undefined;
  if (path === 'indistinct') return path;
  const text = reader.read(`${folder}/fdinfo/${fd}`);
  const fdinfo = parseDmaBufFdinfo(text, path.name);
  if (fdinfo !== undefined)
    return { ...fdinfo, fd: Number(fd), inode: fdinfo.inode ?? statSync(`${folder}/fd/${fd}`).ino };
  // A file of that name in the root folder is not a dma-buf.
  return mentionsDmaBuf(text) || isDmaBuf(`${folder}/fd/${fd}`) ? 'unreadable' : undefined;
}

function isDmaBuf(path: string): boolean {
  return statfsSync(path).type === DMA_BUF_MAGIC;
}

/**
 * The size comes from a descriptor of the same buffer, or else from `map_files` with the right to
 * follow it (CAP_CHECKPOINT_RESTORE).
 */
function toHeldMappings(
  folder: string,
  mappings: readonly DmaBufMapping[],
  descriptors: readonly HeldDescriptor[],
): HeldMapping[] {
  const sizes = new Map<number, number | undefined>(descriptors.map(({ inode, size }) => [inode, size]));
  return mappings.map(({ inode, name, end, file }) => {
    // Once per buffer: a process may have mapped one ten thousand times.
    if (!sizes.has(inode)) sizes.set(inode, readMappedFileSize(join(folder, 'map_files', file)));
    const size = sizes.get(inode);
    return { inode, name, size: size ?? end, sizeIsMinimum: size === undefined };
  });
}

function readMappedFileSize(path: string): number | undefined {
  const status = readOrRefusal(() => statSync(path));
  return 'value' in status ? status.value.size : undefined;
}
