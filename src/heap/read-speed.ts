import { MiB } from '../base/sizes.ts';

/** How fast the CPU reads a buffer's mapping, beside ordinary memory in the same run. */
export interface ReadSpeed {
  readonly bytesPerSecond: number;
  /** What ordinary, cached memory gives on this machine now. */
  readonly ordinaryBytesPerSecond: number;
  /** Whether the mapping reads as slowly as only one that bypasses the caches does: copy out of it once, rather than read it often. */
  readonly slow: boolean;
}

/** What a round reads: beyond what the caches nearest to the CPU hold, and still read in a moment at 100 MB/s. */
const ROUND_BYTES = MiB;
const ROUND_COUNT = 5;
/** Uncached mappings were seen to read 5.5 to 30 times slower; noise and cold caches stay far below. */
const SLOW_RATIO = 4;

/**
 * Reads the start of `bytes` several times, in turns with as much ordinary memory, and takes the best of each: a short interruption
 * slows one round only.
 */
export function measureReadSpeed(bytes: Uint8Array<SharedArrayBuffer>): ReadSpeed {
  const source = bytes.subarray(0, ROUND_BYTES);
  const ordinary = new Uint8Array(new SharedArrayBuffer(source.length)).fill(1);
  const sink = new Uint8Array(source.length);
  let best = Number.POSITIVE_INFINITY;
  let bestOrdinary = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUND_COUNT; round += 1) {
    best = Math.min(best, timeRound(source, sink));
    bestOrdinary = Math.min(bestOrdinary, timeRound(ordinary, sink));
  }
  return judgeReadSpeed({ roundBytes: bytesOfRound(source), ms: best, ordinaryMs: bestOrdinary });
}

/** What the times of a round, in which `roundBytes` are read, say. */
export function judgeReadSpeed(times: { roundBytes: number; ms: number; ordinaryMs: number }): ReadSpeed {
  const { roundBytes, ms, ordinaryMs } = times;
  return {
    bytesPerSecond: (roundBytes / ms) * 1000,
    ordinaryBytesPerSecond: (roundBytes / ordinaryMs) * 1000,
    slow: ms > SLOW_RATIO * ordinaryMs,
  };
}

/** Copies, which V8 does in machine code from the first time on: a loop of our own would be interpreted, and slower than any memory. */
function timeRound(source: Uint8Array<SharedArrayBuffer>, sink: Uint8Array): number {
  const start = performance.now();
  for (let read = 0; read < bytesOfRound(source); read += source.length) sink.set(source);
  return performance.now() - start;
}

/** A short buffer is read several times: the clock is too coarse for once. */
function bytesOfRound(source: Uint8Array): number {
  return Math.ceil(ROUND_BYTES / source.length) * source.length;
}
