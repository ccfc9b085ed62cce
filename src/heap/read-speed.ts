import { MiB } from '../base/sizes.ts';

/** How fast the CPU reads a buffer's mapping, beside ordinary memory in the same run. */
export interface ReadSpeed {
  readonly bytesPerSecond: number;
  /** What ordinary, cached memory gives on this machine now. */
  readonly ordinaryBytesPerSecond: number;
  /** Whether the mapping reads as slowly as only one that bypasses the caches does: copy out of it once, rather than read it often. */
  readonly slow: boolean;
}

/** Beyond what caches nearest to the CPU hold, and still read in a moment at 100 MB/s. */
const SAMPLE_BYTES_MAX = MiB;
const ROUND_COUNT = 5;
/** Uncached mappings were seen to read 5.5 to 30 times slower; noise and cold caches stay far below. */
const SLOW_RATIO = 4;

/**
 * Reads the start of `bytes` several times, in turns with as much ordinary memory, and takes the best of each: a short interruption
 * slows one round only.
 */
export function measureReadSpeed(bytes: Uint8Array<SharedArrayBuffer>): ReadSpeed {
  const sample = Math.min(bytes.length, SAMPLE_BYTES_MAX);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, sample / Uint32Array.BYTES_PER_ELEMENT);
  const ordinary = new Uint32Array(new SharedArrayBuffer(words.byteLength)).fill(1);
  let best = Number.POSITIVE_INFINITY;
  let bestOrdinary = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUND_COUNT; round += 1) {
    best = Math.min(best, timeReading(words));
    bestOrdinary = Math.min(bestOrdinary, timeReading(ordinary));
  }
  return judgeReadSpeed({ sampleBytes: words.byteLength, ms: best, ordinaryMs: bestOrdinary });
}

/** What the times of reading `sampleBytes` once say. */
export function judgeReadSpeed(times: { sampleBytes: number; ms: number; ordinaryMs: number }): ReadSpeed {
  const { sampleBytes, ms, ordinaryMs } = times;
  return {
    bytesPerSecond: (sampleBytes / ms) * 1000,
    ordinaryBytesPerSecond: (sampleBytes / ordinaryMs) * 1000,
    slow: ms > SLOW_RATIO * ordinaryMs,
  };
}

function timeReading(words: Uint32Array): number {
  const start = performance.now();
  let sum = 0;
  for (let index = 0; index < words.length; index += 1) sum = (sum + (words[index] as number)) | 0;
  const elapsed = performance.now() - start;
  // The sum is used, so that the loop cannot be left out.
  return sum === Number.MAX_VALUE ? 0 : elapsed;
}
