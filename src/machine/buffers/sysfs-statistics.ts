import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { KernelBuffer } from './kernel-buffer.ts';

const NUMBER = /^\d+\n?$/u;

/**
 * Reads a folder such as `/sys/kernel/dmabuf/buffers`, which kernels from v5.13 to v6.18 built with
 * CONFIG_DMABUF_SYSFS_STATS have (Documentation/ABI/testing/sysfs-kernel-dmabuf-buffers). It has no
 * names.
 *
 * @returns undefined where the folder does not exist for this process, or cannot be parsed
 */
export function readSysfsStatistics(folder: string): KernelBuffer[] | undefined {
  const inodes = listFolder(folder);
  if (inodes === undefined) return undefined;
  const buffers: KernelBuffer[] = [];
  for (const inode of inodes) {
    const exporter = readOptionalSystemFile(join(folder, inode, 'exporter_name'));
    const size = readOptionalSystemFile(join(folder, inode, 'size'));
    // Freed since the folder was listed.
    if (exporter === undefined || size === undefined) continue;
    if (!NUMBER.test(size)) return undefined;
    buffers.push({
      inode: Number(inode),
      size: Number(size),
      exporter: exporter.replace(/\n$/u, ''),
      name: undefined,
      references: undefined,
      devices: undefined,
    });
  }
  return buffers;
}

function listFolder(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/u.test(name));
  } catch {
    return undefined;
  }
}
