import { readFileSync } from 'node:fs';

import { DmaBufError, errnoName } from '../base/errors.ts';
import type { ErrnoName } from '../base/errors.ts';
import { descriptorRemedy } from './descriptor-remedy.ts';

/** What a file that does not exist for us is refused with. Anything else, such as no free descriptor, is an error of its own. */
const MISSING: readonly ErrnoName[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENODEV', 'EOPNOTSUPP', 'EINVAL'];

/**
 * Reads a file of `/proc` or `/sys` whole.
 *
 * @throws {DmaBufError} as the kernel refuses
 */
export function readSystemFile(path: string): Buffer {
  return withFileErrors('read', path, () => readFileSync(path));
}

/** Runs `call`, which is to do `action` (a verb) with the file at `path` by functions of `node:fs`: their refusals become typed errors. */
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

/** As {@link readSystemFile}, as text; undefined when there is no such file for us. */
export function readOptionalSystemFile(path: string): string | undefined {
  try {
    return readSystemFile(path).toString();
  } catch (error) {
    if (error instanceof DmaBufError && MISSING.some((code) => code === error.code)) return undefined;
    throw error;
  }
}
