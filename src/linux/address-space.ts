import { join } from 'node:path';

import type { ByteLength } from '../base/quantities.ts';
import { readOptionalSystemFile } from './system-file.ts';

/**
 * How many bytes of address space this process may have (RLIMIT_AS, man 2 getrlimit); undefined where there is no limit, which is usual.
 *
 * @param root where `/proc` is found
 */
export function readAddressSpaceLimit(root = '/'): number | undefined {
  const text = readOptionalSystemFile(join(root, 'proc/self/limits')) ?? '';
  const limit = /^Max address space\s+(\d+)/mu.exec(text)?.[1];
  return limit === undefined ? undefined : Number(limit);
}

/** How many bytes of address space this process has now, with memory behind them or not (man 5 proc, statm). */
export function readAddressSpaceSize(pageSize: ByteLength, root = '/'): number {
  const text = readOptionalSystemFile(join(root, 'proc/self/statm')) ?? '';
  return Number.parseInt(text, 10) * pageSize || 0;
}
