import { readFileSync } from 'node:fs';

import { DmaBufError, errnoName } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { descriptorRemedy } from '../calls/descriptor-remedy.ts';

/**
 * The refusals for a file that does not exist for this process. Any other, such as no free
 * descriptor, is an error of its own.
 */
const MISSING: readonly ErrnoName[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENODEV', 'EOPNOTSUPP', 'EINVAL'];

/**
 * Reads a file of `/proc` or `/sys` whole.
 *
 * @throws {DmaBufError} as the kernel refuses
 */
export function readSystemFile(path: string): Buffer {
  return withFileErrors('read', path, () => readFileSync(path));
}

/**
 * Runs `call`, which does `action` (a verb) with the file at `path` by functions of `node:fs`.
 * Turns their refusals into typed errors.
 */
export function withFileErrors<Result>(action: string, path: string, call: () => Result): Result {
  try {
    return call();
  } catch (cause) {
    const { errno = 0, syscall = 'open' } = cause as NodeJS.ErrnoException;
    const code = errnoName(-errno);
    throw new DmaBufError(`Cannot ${action} ${path}: ${syscall} failed with ${code}${descriptorRemedy(code)}`, {
      code,
      syscall,
      values: { path },
      cause,
    });
  }
}

/** As {@link readSystemFile}, as text; undefined when the file does not exist for this process. */
export function readOptionalSystemFile(path: string): string | undefined {
  try {
    return readSystemFile(path).toString();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether `error` says that the file does not exist for this process. */
export function isMissing(error: unknown): boolean {
  return error instanceof DmaBufError && MISSING.some((code) => code === error.code);
}
