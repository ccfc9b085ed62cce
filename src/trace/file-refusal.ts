import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';

import { DmaBufError } from '../base/errors.ts';

/** What was to be done with a file. */
interface FileAccess {
  /** Completes "Cannot …". */
  readonly action: 'read' | 'write';
  readonly path: string;
}

/** Runs `body`. What the kernel refuses meanwhile becomes a refusal as this package has them. */
export async function withFileRefusals<Value>(
  { action, path }: FileAccess,
  body: () => Promise<Value>,
): Promise<Value> {
  try {
    return await body();
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (cause instanceof DmaBufError || code === undefined || syscall === undefined) throw cause;
    throw new DmaBufError(`Cannot ${action} ${path}: ${syscall} is refused with ${code}`, {
      code: code as DmaBufError['code'],
      syscall,
      values: { path },
      cause,
    });
  }
}

/**
 * What a path leads to; undefined where there is nothing of that name, nor can be.
 *
 * @throws {DmaBufError} as the kernel refuses
 */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  return await withFileRefusals({ action: 'read', path }, async () => {
    try {
      return await stat(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
      throw error;
    }
  });
}
