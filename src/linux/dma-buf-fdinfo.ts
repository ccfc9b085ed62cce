import { join } from 'node:path';

import type { BorrowedFd } from './fd.ts';
import { readSystemFile } from './system-file.ts';

/** What the kernel says of a dma-buf in `/proc/self/fdinfo` (drivers/dma-buf/dma-buf.c, dma_buf_show_fdinfo). */
interface DmaBufFdInfo {
  readonly exporter: string;
  /** Empty where nobody has named it. */
  readonly name: string;
}

/**
 * Undefined for a descriptor of another kind: no other file has an `exp_name`. The name comes last, and whoever chose it cannot
 * change what stands before it.
 *
 * @param root where `/proc` is found
 */
export function readDmaBufFdInfo(fd: BorrowedFd, root = '/'): DmaBufFdInfo | undefined {
  const text = readSystemFile(join(root, `proc/self/fdinfo/${fd}`)).toString();
  const match = /^exp_name:\t(?<exporter>.*)\n(?:name:\t(?<name>[^]*)\n)?/mu.exec(text);
  if (match?.groups === undefined) return undefined;
  return { exporter: match.groups['exporter'] ?? '', name: match.groups['name'] ?? '' };
}
