import { libc } from '../../src/linux/libc.ts';
import type { RawCalls } from '../../src/linux/libc.ts';

/** The C library, with calls of the test's own in place of some. */
export function rawCallsWith(calls: Partial<RawCalls>): RawCalls {
  return { ...libc, ...calls };
}

/** The C library, in which the call `name` fails with `errno` when it is made for the `nth` time, from 1. */
export function rawCallsFailing(
  name: Exclude<keyof RawCalls, 'errno' | 'getpagesize' | 'memset'>,
  failure: { readonly nth: number; readonly errno: number },
): RawCalls {
  let count = 0;
  let failed = false;
  const call = libc[name] as (...values: unknown[]) => number;
  return rawCallsWith({
    [name]: (...values: unknown[]) => {
      count += 1;
      failed = count === failure.nth;
      return failed ? -1 : call(...values);
    },
    errno: () => (failed ? failure.errno : libc.errno()),
  });
}
