import { statfsSync, statSync } from 'node:fs';

import { DmaBufError } from '../../base/errors.ts';
import { readSystemFile, withFileErrors } from '../../linux/proc/system-file.ts';
import { DEBUGFS_MAGIC, PROC_SUPER_MAGIC } from '../../uapi/magic.ts';
import { parseBufinfo } from './bufinfo.ts';
import type { KernelBuffer, KernelList } from './kernel-buffer.ts';
import { parseRockchipList } from './rockchip-list.ts';

/** File systems whose files show the present state. A file on any other is a copy. */
const LIVE_SOURCES: ReadonlyMap<number, 'debugfs' | 'procfs'> = new Map([
  [DEBUGFS_MAGIC, 'debugfs'],
  [PROC_SUPER_MAGIC, 'procfs'],
]);

/**
 * Reads a saved copy of a kernel's list of dma-bufs, in any format of {@link parseBufinfo} and
 * {@link parseRockchipList}; or such a list itself.
 *
 * @throws {DmaBufError} when the file cannot be read, or is not such a list
 */
export function readBufinfoFile(path: string): KernelList {
  const buffers = parse(readSystemFile(path));
  if (buffers === undefined) {
    throw new DmaBufError(
      `Cannot read ${path} as a list of dma-bufs as it has none of the known formats, or is not whole: save debugfs dma_buf/bufinfo, or /proc/rk_dmabuf/dev, from its first line to its last`,
      { code: 'EINVAL', values: { path } },
    );
  }
  return withFileErrors('read', path, () => {
    const source = LIVE_SOURCES.get(statfsSync(path).type);
    return source === undefined
      ? { source: 'file', path, buffers, savedAt: statSync(path).mtime }
      : { source, path, buffers };
  });
}

function parse(bytes: Buffer): KernelBuffer[] | undefined {
  return parseBufinfo(withoutCarriageReturns(bytes.toString())) ?? parseRockchipList(bytes.toString('latin1'));
}

/**
 * Terminals and transfers put a carriage return before every line break. One that only some lines
 * have belongs to a name.
 */
function withoutCarriageReturns(text: string): string {
  return /(?<!\r)\n/u.test(text) ? text : text.replaceAll('\r\n', '\n');
}
