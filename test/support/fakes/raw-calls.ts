import { kernelCalls } from '../../../src/linux/calls/kernel-calls.ts';
import type { RawCalls } from '../../../src/linux/calls/kernel-calls.ts';

/** The C library, with calls of the test's own in place of some. */
export function rawCallsWith(calls: Partial<RawCalls>): RawCalls {
  return { ...kernelCalls, ...calls };
}

/**
 * As {@link rawCallsWith}, with every run mapped by a call of `mmap`: the test's own, where it has
 * one.
 */
export function rawCallsByOne(calls: Partial<RawCalls>): RawCalls {
  const raw = rawCallsWith(calls);
  return { ...raw, mapRuns: mapRunsByOne(raw) };
}

/** The naive twin of `mapRuns`: a call a run, so that each of them can be made to fail. */
export function mapRunsByOne(raw: RawCalls): RawCalls['mapRuns'] {
  // eslint-disable-next-line max-params -- as the border has it
  return (fd, address, offsets, lengths, count, protection, flags) => {
    let target = address;
    for (let index = 0; index < count; index += 1) {
      const length = lengths[index] ?? 0;
      const result = raw.mmap(target, length, protection, flags, fd, offsets[index] ?? 0);
      if (result < 0) return result;
      target += length;
    }
    return 0;
  };
}

/**
 * The C library, in which the call `name` fails with `errno` when it is made for the `nth` time,
 * from 1.
 */
export function rawCallsFailing(
  name: Exclude<
    keyof RawCalls,
    'closeAside' | 'getpagesize' | 'hold' | 'holdWindow' | 'memset' | 'release' | 'releaseWindow' | 'touch'
  >,
  failure: { readonly nth: number; readonly errno: number },
): RawCalls {
  let count = 0;
  const call = kernelCalls[name] as (...values: unknown[]) => number;
  return rawCallsWith({
    [name]: (...values: unknown[]) => {
      count += 1;
      return count === failure.nth ? -failure.errno : call(...values);
    },
  });
}
