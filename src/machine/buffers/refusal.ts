import { DmaBufError, errnoName } from '../../base/errors.ts';

/**
 * Why something of `/proc` or `/sys` was not read: it does not exist (any more), or access is
 * denied.
 */
export type Refusal = 'gone' | 'forbidden';

/** ESRCH: a process that ended while its files were open. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'ENOTDIR']);
const FORBIDDEN: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/** Reads, or returns the reason why not. Other errors of `read` pass through. */
export function readOrRefusal<Value>(read: () => Value): { readonly value: Value } | { readonly refusal: Refusal } {
  try {
    return { value: read() };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return { refusal };
  }
}

/**
 * Reads, or returns undefined for something that does not exist (any more). Other errors of `read`
 * pass through.
 */
export function readUnlessGone<Value>(read: () => Value): Value | undefined {
  return readUnless('gone', read);
}

/** Reads, or returns undefined where access is denied. Other errors of `read` pass through. */
export function readUnlessForbidden<Value>(read: () => Value): Value | undefined {
  return readUnless('forbidden', read);
}

function readUnless<Value>(refusal: Refusal, read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (refusalOf(error) === refusal) return undefined;
    throw error;
  }
}

function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = error instanceof DmaBufError ? error.code : errnoName(-((error as NodeJS.ErrnoException).errno ?? 0));
  if (FORBIDDEN.has(code)) return 'forbidden';
  return GONE.has(code) ? 'gone' : undefined;
}
