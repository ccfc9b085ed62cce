import { resolve } from 'node:path';

import { DmaBufError, errnoName, isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorCode } from '../../base/errors.ts';

/** The address to listen at. */
export interface SocketPath {
  /** The given path. The kernel takes at most 107 bytes of it. */
  readonly path: string;
  /** The absolute path, independent of later changes of the working directory. */
  readonly file: string;
}

/** @throws {DmaBufError} `ENOENT` for a relative path in a working directory that was removed */
export function socketPath(path: string): SocketPath {
  return { path, file: explained(path, 'getcwd', () => resolve(path)) };
}

const REMEDIES: Partial<Record<DmaBufErrorCode, string>> = {
  ENOENT: 'its folder does not exist: make it first, or take another path',
  ENOTDIR: 'what should be its folder is a file: take another path',
  EACCES: 'this user may not write into its folder: take another path, such as one in $XDG_RUNTIME_DIR',
  EROFS: 'its file system cannot be written: take another path',
  ENOLCK: 'its file system has no locks, by which one process at a time takes a path: take another path',
};

/**
 * Runs a step of listening at `path`, and explains every refusal, by Node or by a call of this
 * package.
 */
export function explained<Result>(path: string, syscall: string, step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    throw explain(cause, path, syscall);
  }
}

/** A refusal, by Node or by a call of this package, as an error about listening at `path`. */
export function explain(cause: unknown, path: string, syscall: string): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  const why = REMEDIES[code];
  // An error of this package is already complete.
  if (why === undefined && isDmaBufError(cause)) return cause;
  return new DmaBufError(`Cannot listen at ${path} as ${why ?? (cause as Error).message}`, {
    code,
    syscall,
    values: { path },
    cause,
  });
}

/** The name of the kernel's refusal, which both Node's errors and this package's carry. */
export function codeOf(error: unknown): DmaBufErrorCode | undefined {
  if (isDmaBufError(error)) return error.code;
  const errno = (error as NodeJS.ErrnoException | null | undefined)?.errno;
  return typeof errno === 'number' && errno < 0 ? errnoName(-errno) : undefined;
}

/** `EADDRINUSE`. `why` tells what is there. */
export function inUse(path: string, why: string, cause?: unknown): DmaBufError {
  return new DmaBufError(`Cannot listen at ${path} as ${why}: choose another path, or remove what is there`, {
    code: 'EADDRINUSE',
    syscall: 'bind',
    values: { path },
    cause,
  });
}
