import { fstatSync } from 'node:fs';

import type { BorrowedFd } from './fd.ts';

/** `st_blocks` counts in these, whatever the file system's own block size (man 2 stat). */
const STAT_BLOCK_BYTES = 512;

/** The inode number that mappings of the file show in `/proc/PID/maps`. */
export function inodeOf(fd: BorrowedFd): number {
  return fstatSync(fd).ino;
}

/** The memory that a memfd takes now: pages that were touched, in memory or swapped out. */
export function committedBytesOf(fd: BorrowedFd): number {
  return fstatSync(fd).blocks * STAT_BLOCK_BYTES;
}
