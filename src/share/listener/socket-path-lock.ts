import { closeSync, constants, fstatSync, lstatSync, openSync, unlinkSync } from 'node:fs';

import { withCleanup } from '../../base/cleanup.ts';
import type { FileLockCalls } from '../../linux/calls/file-lock-calls.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { codeOf, explain, explained, inUse } from './socket-path.ts';
import type { SocketPath } from './socket-path.ts';

/** Follows no link, and does not wait for a pipe. Node opens every file with O_CLOEXEC. */
const FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const MODE = 0o644;
/** Attempts. Before each further one, another process has taken the path and released it again. */
const ATTEMPT_COUNT_MAX = 100;
/** The errors of opening a link, a folder or a socket: not a lock file of this package. */
const NO_LOCK_FILE = new Set(['ELOOP', 'EISDIR', 'ENXIO']);

/** The right to check a path and to listen there. */
interface SocketPathLock {
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the right to check whether a process listens at a path and to listen there, which are
 * several steps. It is a lock on a file beside the path, which exists only meanwhile. The kernel
 * holds the lock, so a killed process does not block others.
 *
 * @throws {DmaBufError} `EADDRINUSE` while another process is about to listen there; `EACCES`,
 *   `ENOENT`, `EROFS` or `ENOLCK` when the lock cannot be made
 */
export function lockSocketPath(calls: FileLockCalls, { path, file }: SocketPath): SocketPathLock {
  const lockFile = `${file}.lock`;
  for (let attempt = 0; attempt < ATTEMPT_COUNT_MAX; attempt += 1) {
    const fd = openLockFile(path, lockFile);
    if (fd === undefined) continue;
    const isLocked = withCleanup((cleanup) => {
      cleanup.defer(() => closeSync(fd));
      return explained(path, 'flock', () => lockAt(calls, fd, { path, lockFile }));
    });
    if (isLocked) return lockOf(fd, lockFile);
    closeSync(fd);
  }
  throw busy(path, lockFile);
}

/** Undefined when another process removed the file during the open, or made it first. */
function openLockFile(path: string, lockFile: string): number | undefined {
  try {
    return (
      openExisting(path, lockFile) ??
      openSync(lockFile, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | FLAGS, MODE)
    );
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'EEXIST') return undefined;
    if (code !== undefined && NO_LOCK_FILE.has(code)) throw notALock(path, lockFile, cause);
    throw isDmaBufError(cause) ? cause : explain(cause, path, 'open');
  }
}

/**
 * Without O_CREAT: fs.protected_regular forbids that for a file of another user in a folder such as
 * /tmp, even to root. For writing where allowed: a lock over NFS demands it (man 2 flock).
 */
function openExisting(path: string, lockFile: string): number | undefined {
  for (const access of [constants.O_RDWR, constants.O_RDONLY]) {
    try {
      return openSync(lockFile, access | FLAGS);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return undefined;
      if (code !== 'EACCES') throw error;
      if (access === constants.O_RDONLY) throw notOpened(path, lockFile, error);
    }
  }
  return undefined;
}

/**
 * Whether this process has the lock, on the file that exists now: its previous owner may just have
 * removed this one.
 */
function lockAt(calls: FileLockCalls, fd: number, { path, lockFile }: { path: string; lockFile: string }): boolean {
  const own = fstatSync(fd, { bigint: true });
  if (!own.isFile()) throw notALock(path, lockFile);
  if (!calls.tryLock(fd)) throw busy(path, lockFile);
  const found = lstatSync(lockFile, { bigint: true, throwIfNoEntry: false });
  return found?.ino === own.ino && found.dev === own.dev;
}

function lockOf(fd: number, lockFile: string): SocketPathLock {
  let released = false;
  return {
    release: () => {
      if (released) return;
      released = true;
      try {
        // Removed while locked, so that a process that has opened it meanwhile sees that it is
        // gone.
        unlinkSync(lockFile);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
      } finally {
        closeSync(fd);
      }
    },
  };
}

function busy(path: string, lockFile: string): Error {
  return inUse(path, `another process is about to listen there, and has locked ${lockFile}`);
}

function notOpened(path: string, lockFile: string, cause: unknown): DmaBufError {
  const why = `this user may not open ${lockFile}, which must be locked for it: another user's process may have left it, so remove it`;
  return new DmaBufError(`Cannot listen at ${path} as ${why}`, {
    code: 'EACCES',
    syscall: 'open',
    values: { path },
    cause,
  });
}

function notALock(path: string, lockFile: string, cause?: unknown): Error {
  return inUse(path, `${lockFile}, which must be locked for it, is no regular file`, cause);
}
