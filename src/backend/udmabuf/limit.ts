import { join } from 'node:path';

import { MiB } from '../../base/sizes.ts';
import { readOptionalSystemFile } from '../../linux/system-file.ts';

const LIMIT_FILE = '/sys/module/udmabuf/parameters/size_limit_mb';
/** The driver's own default (drivers/dma-buf/udmabuf.c, size_limit_mb). */
const LIMIT_MIB_DEFAULT = 64;

/** How large one udmabuf may be, in bytes, and how to raise it. `root`: where `/sys` is found. */
export function readUdmabufLimit(root: string): { readonly bytes: number; readonly remedy: string } {
  const text = readOptionalSystemFile(join(root, LIMIT_FILE));
  const mib = text === undefined ? LIMIT_MIB_DEFAULT : Number.parseInt(text, 10);
  return { bytes: mib * MiB, remedy: `as root, run: echo ${16 * mib} > ${LIMIT_FILE}; or ask for less` };
}
