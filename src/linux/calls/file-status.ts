import { toByteLength } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { AT_EMPTY_PATH } from '../../uapi/fcntl.ts';
import { STATX_BASIC_STATS, statx } from '../../uapi/stat.ts';
import { statfs } from '../../uapi/statfs.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd } from './fd.ts';

/** `stx_blocks` counts in these units, regardless of the file system's block size (man 2 statx). */
const STAT_BLOCK_BYTES = 512;

/**
 * The kernel's status of an open file. By a call of our own: the `fstat` of some runtimes refuses
 * descriptors that they did not open.
 */
class FileStatusCalls extends CheckedCalls {
  /**
   * Reused: memory outside V8's heap takes 0.5 µs to allocate, and a garbage collection to free.
   */
  readonly #status = new Uint8Array(statx.size);

  statusOf(fd: BorrowedFd): ReturnType<typeof statx.read> {
    this.checked('statx', this.raw.statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, this.#status), { fd });
    return statx.read(this.#status);
  }

  fileSystemTypeOf(fd: BorrowedFd): number {
    const status = new Uint8Array(statfs.size);
    this.checked('fstatfs', this.raw.fstatfs(fd, status), { fd });
    return statfs.read(status).fType;
  }
}

const calls = new FileStatusCalls();

/** The inode number that `/proc/PID/maps` shows for mappings of the file. */
export function inodeOf(fd: BorrowedFd): number {
  return statusOf(fd).stxIno;
}

/** The file's length. */
export function sizeOf(fd: BorrowedFd): ByteLength {
  return toByteLength(statusOf(fd).stxSize);
}

/** The memory that a memfd occupies now: touched pages, in memory or swapped out. */
export function committedBytesOf(fd: BorrowedFd): number {
  return statusOf(fd).stxBlocks * STAT_BLOCK_BYTES;
}

/**
 * `statx`, for known files only: on a network or user-space file system it may wait forever.
 *
 * @throws {DmaBufError} as the kernel refuses
 */
export function statusOf(fd: BorrowedFd): ReturnType<typeof statx.read> {
  return calls.statusOf(fd);
}

/** The file system that the file is on: its magic number (man 2 fstatfs). */
export function fileSystemTypeOf(fd: BorrowedFd): number {
  return calls.fileSystemTypeOf(fd);
}
