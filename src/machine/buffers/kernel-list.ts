import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import { readSystemFile } from '../../linux/proc/system-file.ts';
import { parseBufinfo } from './bufinfo.ts';
import { readBufinfoFile } from './bufinfo-file.ts';
import type { Gap } from './gap.ts';
import { parseIteratorText } from './iterator-text.ts';
import type { KernelBuffer, KernelList } from './kernel-buffer.ts';
import { explainMissingList } from './missing-list.ts';
import { readOrRefusal } from './refusal.ts';
import { parseRockchipList } from './rockchip-list.ts';
import { readSysfsStatistics } from './sysfs-statistics.ts';
import type { Machine } from '../../linux/machine.ts';

/** The sources to read. */
interface KernelListOptions {
  /** Where `/sys` and `/proc` are found. */
  readonly machine: Machine;
  /** A pinned BPF iterator to read instead of the other sources. */
  readonly bpfPath?: string | undefined;
  /** A file such as debugfs `dma_buf/bufinfo`, or a copy of one, to read instead. */
  readonly bufinfoPath?: string | undefined;
}

const BUFINFO = '/sys/kernel/debug/dma_buf/bufinfo';
/**
 * Of vendors' kernels for Android, readable for every user: Qualcomm's to 5.4, Oplus's from 5.10
 * on.
 */
const PROC_BUFINFOS = ['/proc/dma_buf/bufinfo', '/proc/osvelte/dma_buf/bufinfo', '/proc/osvelte_dbg/dma_buf/bufinfo'];
/** Not the files beside it, which attach to the buffers in order to show their pages. */
const ROCKCHIP_LIST = '/proc/rk_dmabuf/dev';
const BPFFS = '/sys/fs/bpf';
const SYSFS = '/sys/kernel/dmabuf/buffers';
/** The usual names of the pin. Android's is `dmabuf/prog_dmabufIter_iter_dmabuf`. */
const PIN = /dma[-_]?buf/iu;

/**
 * Reads the kernel's list from the first available source: debugfs (shows the most), the same file
 * below `/proc`, a BPF iterator pinned below `/sys/fs/bpf`, the statistics of sysfs (without
 * names), and Rockchip's list (without inodes).
 *
 * @returns a gap instead of a list where none is accessible
 * @throws {DmaBufError} when the file of an option cannot be read, or is of another kind
 */
export function readKernelList({ machine, bpfPath, bufinfoPath }: KernelListOptions): KernelList | Gap {
  if (bpfPath !== undefined) return readGivenPin(bpfPath);
  if (bufinfoPath !== undefined) return readBufinfoFile(bufinfoPath);
  return (
    readBufinfo(machine, 'debugfs', BUFINFO) ??
    firstOf(PROC_BUFINFOS, (path) => readBufinfo(machine, 'procfs', path)) ??
    firstOf(findPins(machine), (path) => readPin(machine, path)) ??
    readSysfs(machine) ??
    readRockchipList(machine) ??
    explainMissingList(machine)
  );
}

function firstOf(paths: readonly string[], read: (path: string) => KernelList | undefined): KernelList | undefined {
  for (const path of paths) {
    const list = read(path);
    if (list !== undefined) return list;
  }
  return undefined;
}

function readBufinfo(machine: Machine, source: 'debugfs' | 'procfs', path: string): KernelList | undefined {
  const buffers = readAndParse(join(machine.root, path), (bytes) => parseBufinfo(bytes.toString()));
  return buffers && { source, path, buffers };
}

function readPin(machine: Machine, path: string): KernelList | undefined {
  const buffers = readAndParse(join(machine.root, path), (bytes) => parseIteratorText(bytes.toString()));
  return buffers && { source: 'bpf', path, buffers };
}

function readSysfs(machine: Machine): KernelList | undefined {
  const buffers = readSysfsStatistics(join(machine.root, SYSFS));
  return buffers && { source: 'sysfs', path: SYSFS, buffers };
}

function readRockchipList(machine: Machine): KernelList | undefined {
  const buffers = readAndParse(join(machine.root, ROCKCHIP_LIST), (bytes) =>
    parseRockchipList(bytes.toString('latin1')),
  );
  return buffers && { source: 'procfs', path: ROCKCHIP_LIST, buffers };
}

/**
 * Undefined where the file cannot be read, for any reason, or is of another kind: then the next
 * source is tried.
 */
function readAndParse(path: string, parse: (bytes: Buffer) => KernelBuffer[] | undefined): KernelBuffer[] | undefined {
  try {
    return parse(readSystemFile(path));
  } catch (error) {
    if (error instanceof DmaBufError) return undefined;
    throw error;
  }
}

function readGivenPin(path: string): KernelList {
  const buffers = parseIteratorText(readSystemFile(path).toString());
  if (buffers !== undefined) return { source: 'bpf', path, buffers };
  throw new DmaBufError(
    `Cannot read ${path} as a list of dma-bufs as it does not have four lines a buffer (inode, size, name, exporter): name the pin of an iterator "iter/dmabuf"`,
    { code: 'EINVAL', values: { path } },
  );
}

/** Pins with a name that refers to dma-bufs, or in a folder with such a name, one folder deep. */
function findPins(machine: Machine): string[] {
  const entries = listFolder(join(machine.root, BPFFS)) ?? [];
  return entries.flatMap((entry) => {
    const below = listFolder(join(machine.root, BPFFS, entry));
    const paths = below === undefined ? [entry] : below.map((name) => join(entry, name));
    return paths.filter((path) => PIN.test(path)).map((path) => join(BPFFS, path));
  });
}

function listFolder(path: string): string[] | undefined {
  const names = readOrRefusal(() => readdirSync(path).toSorted());
  return 'value' in names ? names.value : undefined;
}
