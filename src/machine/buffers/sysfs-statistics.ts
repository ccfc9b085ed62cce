import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { readOptionalSystemFile } from '../../linux/system-file.ts';
import type { KernelBuffer } from './kernel-buffer.ts';

/**
 * Reads a folder such as `/sys/kernel/dmabuf/buffers`, which kernels from v5.13 to v6.18 have when they were built with
 * CONFIG_DMABUF_SYSFS_STATS (Documentation/ABI/testing/sysfs-kernel-dmabuf-buffers). It has no names.
 *
 * @returns undefined where there is no such folder for us
 */
export function readSysfsStatistics(folder: string): KernelBuffer[] | undefined {
  return listFolder(folder)?.flatMap((inode) => {
    const exporter = readOptionalSystemFile(join(folder, inode, 'exporter_name'));
    const size = readOptionalSystemFile(join(folder, inode, 'size'));
    // Freed since the folder was listed.
    if (exporter === undefined || size === undefined) return [];
    return [
      {
        inode: Number(inode),
        size: Number(size),
        exporter: exporter.replace(/\n$/u, ''),
        name: undefined,
        references: undefined,
        devices: undefined,
      },
    ];
  });
}

function listFolder(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/u.test(name));
  } catch {
    return undefined;
  }
}
