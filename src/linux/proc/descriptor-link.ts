import { readlinkSync } from 'node:fs';

import { isDmaBufError } from '../../base/errors.ts';
import type { BorrowedFd } from '../calls/fd.ts';
import { withFileErrors } from './system-file.ts';

/**
 * The target of a descriptor in `/proc/self/fd`: a path, or a name such as `anon_inode:sync_file`.
 * This cannot block for any file: the kernel answers from its own memory and asks no file system
 * (fs/proc/base.c, do_proc_readlink; fs/d_path.c). Files on disk always have a leading slash.
 *
 * @returns undefined for a path longer than a page, which the kernel does not report
 * @throws {DmaBufError} as the kernel refuses, such as `ENOENT` without `/proc`
 */
export function readDescriptorLink(fd: BorrowedFd): string | undefined {
  const path = `/proc/self/fd/${fd}`;
  try {
    return withFileErrors('see what a descriptor is by', path, () => readlinkSync(path));
  } catch (error) {
    if (isDmaBufError(error, 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}
