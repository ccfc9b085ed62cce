import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import { readSystemFile } from '../../linux/system-file.ts';
import { parseBufinfo } from './bufinfo.ts';
import type { Gap } from './gap.ts';
import { parseIteratorText } from './iterator-text.ts';
import type { KernelBuffer } from './kernel-buffer.ts';
import { readOrRefusal } from './refusal.ts';
import { readSysfsStatistics } from './sysfs-statistics.ts';

/** Every dma-buf that the kernel has, and where that was read. */
export interface KernelList {
  readonly source: 'debugfs' | 'bpf' | 'sysfs';
  readonly path: string;
  readonly buffers: readonly KernelBuffer[];
}

/** Where to read. */
interface KernelListOptions {
  /** Where `/sys` is found. */
  readonly root: string;
  /** A pinned BPF iterator to read instead of what else there may be. */
  readonly bpfPath?: string | undefined;
}

const DEBUGFS = '/sys/kernel/debug';
const BUFINFO = `${DEBUGFS}/dma_buf/bufinfo`;
const BPFFS = '/sys/fs/bpf';
const SYSFS = '/sys/kernel/dmabuf/buffers';
/** What people call the pin. Android's is `dmabuf/prog_dmabufIter_iter_dmabuf`. */
const PIN = /dma[-_]?buf/iu;

/**
 * Reads the kernel's list from the first of: debugfs (tells the most), a BPF iterator that somebody pinned below `/sys/fs/bpf`,
 * and the statistics of sysfs (without names).
 *
 * @returns a gap instead of a list where there is none for us
 * @throws {DmaBufError} when `bpfPath` cannot be read, or is no iterator over dma-bufs
 */
export function readKernelList({ root, bpfPath }: KernelListOptions): KernelList | Gap {
  if (bpfPath !== undefined) return readGivenPin(bpfPath);
  return readDebugfs(root) ?? readPins(root) ?? readSysfs(root) ?? explainMissingList(root);
}

function readDebugfs(root: string): KernelList | undefined {
  const buffers = readAndParse(join(root, BUFINFO), parseBufinfo);
  return buffers && { source: 'debugfs', path: BUFINFO, buffers };
}

function readPins(root: string): KernelList | undefined {
  for (const path of findPins(root)) {
    const buffers = readAndParse(join(root, path), parseIteratorText);
    if (buffers !== undefined) return { source: 'bpf', path, buffers };
  }
  return undefined;
}

function readSysfs(root: string): KernelList | undefined {
  const buffers = readSysfsStatistics(join(root, SYSFS));
  return buffers && { source: 'sysfs', path: SYSFS, buffers };
}

/** Undefined where the file cannot be read, for whatever reason, or is of another kind: then the next source is asked. */
function readAndParse(path: string, parse: (text: string) => KernelBuffer[] | undefined): KernelBuffer[] | undefined {
  try {
    return parse(readSystemFile(path).toString());
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

/** Pins that are named for dma-bufs, or lie in a folder that is, as far as one folder down. */
function findPins(root: string): string[] {
  const entries = listFolder(join(root, BPFFS)) ?? [];
  return entries.flatMap((entry) => {
    const below = listFolder(join(root, BPFFS, entry));
    const paths = below === undefined ? [entry] : below.map((name) => join(entry, name));
    return paths.filter((path) => PIN.test(path)).map((path) => join(BPFFS, path));
  });
}

function listFolder(path: string): string[] | undefined {
  const names = readOrRefusal(() => readdirSync(path).toSorted());
  return 'value' in names ? names.value : undefined;
}

function explainMissingList(root: string): Gap {
  const [reason, remedy] = explainDebugfs(root);
  return {
    kind: 'kernel-list',
    what: `Buffers that no process holds are not listed, nor who else in the kernel holds one: ${reason}`,
    count: null,
    remedy: `${remedy}; or pin a BPF iterator over dma-bufs, and name it with --bpf`,
  };
}

function explainDebugfs(root: string): readonly [reason: string, remedy: string] {
  const bufinfo = readOrRefusal(() => readSystemFile(join(root, BUFINFO)));
  if ('value' in bufinfo)
    return [`${BUFINFO} has a format that is not known`, 'use Linux 5.3 or later, or report it with that file'];
  const entries = readOrRefusal(() => readdirSync(join(root, DEBUGFS)));
  if (bufinfo.refusal === 'forbidden' || ('refusal' in entries && entries.refusal === 'forbidden'))
    return [`${BUFINFO} may not be read`, 'run as root, on a kernel that is not locked down'];
  if ('refusal' in entries) return [`there is no ${DEBUGFS}`, 'use a kernel built with CONFIG_DEBUG_FS'];
  if (entries.value.length === 0)
    return [`nothing is mounted at ${DEBUGFS}`, `run as root: mount -t debugfs none ${DEBUGFS}`];
  return [`there is no ${BUFINFO}`, 'use a kernel that has dma-bufs (CONFIG_DMA_SHARED_BUFFER)'];
}
