import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { resolve } from 'node:path';

import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import type { UnixSocketCalls } from '../linux/unix-socket-calls.ts';

/** A path that a socket is bound to. */
export interface SocketFile {
  /** Removes the file, unless another has taken its place. */
  remove(): void;
}

/**
 * Binds a socket to a path. A socket file there that nobody listens to any more is replaced.
 *
 * @param mode who may connect: whoever may write the file (man 7 unix)
 * @throws {DmaBufError} `EADDRINUSE` when somebody listens there, or the file is no socket
 */
export function bindSocketFile(
  sockets: UnixSocketCalls,
  fd: BorrowedFd,
  { path, mode }: { path: string; mode: number },
): SocketFile {
  // The working directory may be another one when it is removed.
  const file = resolve(path);
  return withCleanup((cleanup) => {
    bindOrReplace(sockets, fd, { path, file });
    const own = statusOf(file);
    const remove = (): void => {
      if (isSameFile(statusOf(file), own)) unlinkSync(file);
    };
    cleanup.defer(remove);
    // Until somebody listens, nobody can connect: the kernel made the file by the umask.
    chmodSync(file, mode);
    return { remove };
  });
}

function bindOrReplace(sockets: UnixSocketCalls, fd: BorrowedFd, { path, file }: { path: string; file: string }): void {
  try {
    sockets.bind(fd, path);
  } catch (cause) {
    if (!isDmaBufError(cause, 'EADDRINUSE')) throw withRemedy(cause, path);
    const found = statusOf(file);
    if (found?.isSocket() === false) throw inUse(path, 'there is a file that is no socket', cause);
    if (!isStale(sockets, path) || !removeStale(file, found)) throw inUse(path, 'somebody listens there', cause);
    sockets.bind(fd, path);
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist: make it first, or take another path',
  EACCES: 'this user may not write into its folder: take another path, such as one in $XDG_RUNTIME_DIR',
  EROFS: 'its file system cannot be written: take another path',
};

function withRemedy(cause: unknown, path: string): unknown {
  const why = isDmaBufError(cause) ? REMEDIES[cause.code] : undefined;
  if (!isDmaBufError(cause) || why === undefined) return cause;
  const { code, values } = cause;
  return new DmaBufError(`Cannot listen at ${path} as ${why}`, { code, syscall: 'bind', values, cause });
}

/** Whether nobody listens: the kernel refuses whoever asks for a socket file whose socket is closed (man 2 connect). */
function isStale(sockets: UnixSocketCalls, path: string): boolean {
  const asking = sockets.create();
  try {
    sockets.connect(asking.borrow(), path);
    return false;
  } catch (error) {
    if (isDmaBufError(error, 'ENOENT')) return true;
    return isDmaBufError(error, 'ECONNREFUSED');
  } finally {
    asking.close();
  }
}

/**
 * Removes the file that was found. False where another process has done so meanwhile, and listens there itself: since one cannot remove a
 * file by what it is, it is taken away, looked at, and put back.
 */
function removeStale(file: string, found: BigIntStats | undefined): boolean {
  const aside = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  const isFound = isSameFile(statusOf(aside), found);
  if (!isFound) linkSync(aside, file);
  unlinkSync(aside);
  return isFound;
}

function statusOf(file: string): BigIntStats | undefined {
  return lstatSync(file, { bigint: true, throwIfNoEntry: false });
}

/** Inode numbers are used again, times are not. */
function isSameFile(a: BigIntStats | undefined, b: BigIntStats | undefined): boolean {
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev && a.mtimeNs === b.mtimeNs;
}

function inUse(path: string, why: string, cause: unknown): DmaBufError {
  return new DmaBufError(`Cannot listen at ${path} as ${why}: choose another path, or remove what is there`, {
    code: 'EADDRINUSE',
    syscall: 'bind',
    values: { path },
    cause,
  });
}
