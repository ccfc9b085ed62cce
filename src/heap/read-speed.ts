import { MiB } from '../base/sizes.ts';

/** The speed of CPU reads of a buffer's mapping, compared with ordinary memory in the same run. */
export interface ReadSpeed {
  /** The median of several reads. */
  readonly bytesPerSecond: number;
  /** The speed of ordinary, cached memory on this machine now. */
  readonly ordinaryBytesPerSecond: number;
  /**
   * Whether the mapping reads as slowly as a mapping that bypasses the caches. Copy out of such a
   * buffer once, rather than read it often.
   */
  readonly slow: boolean;
}

/** The bytes of a round: more than the inner caches hold, yet read quickly at 100 MB/s. */
const ROUND_BYTES = MiB;
const ROUND_COUNT = 5;
/** How many times in a row a mapping must be found slow: more often than noise explains. */
const SLOW_VERDICT_COUNT = 3;
/** Uncached mappings were seen to read 5.5 to 30 times slower. */
const SLOW_RATIO = 4;

/**
 * The milliseconds of one round over the mapping, and of the following round over ordinary memory.
 */
interface ReadRound {
  readonly ms: number;
  readonly ordinaryMs: number;
}

/**
 * Reads the start of `bytes` several times, alternating with as much ordinary memory. Only a
 * mapping that is found slow several times in a row counts as slow: on a busy machine, one set of
 * rounds was seen to say so of cached memory.
 */
export function measureReadSpeed(bytes: Uint8Array<SharedArrayBuffer>): ReadSpeed {
  const source = bytes.subarray(0, ROUND_BYTES);
  const ordinary = new Uint8Array(new SharedArrayBuffer(source.length)).fill(1);
  const sink = new Uint8Array(source.length);
  const measure = (): ReadSpeed => judgeReadSpeed(bytesOfRound(source), readRounds(source, ordinary, sink));
  let speed = measure();
  for (let verdict = 1; speed.slow && verdict < SLOW_VERDICT_COUNT; verdict += 1) speed = measure();
  return speed;
}

/**
 * Several rounds of `roundBytes` each. Each round is compared with its neighbour in time, and the
 * median of the ratios decides.
 */
export function judgeReadSpeed(roundBytes: number, rounds: readonly ReadRound[]): ReadSpeed {
  const ratios = rounds.map(({ ms, ordinaryMs }) => ms / ordinaryMs).toSorted((a, b) => a - b);
  const median = ratios[ratios.length >> 1] ?? 0;
  return {
    bytesPerSecond: (roundBytes / Math.min(...rounds.map(({ ms }) => ms))) * 1000,
    ordinaryBytesPerSecond: (roundBytes / Math.min(...rounds.map(({ ordinaryMs }) => ordinaryMs))) * 1000,
    slow: median > SLOW_RATIO,
  };
}

function readRounds(
  source: Uint8Array<SharedArrayBuffer>,
  ordinary: Uint8Array<SharedArrayBuffer>,
  sink: Uint8Array,
): ReadRound[] {
  return Array.from({ length: ROUND_COUNT }, () => ({
    ms: timeRound(source, sink),
    ordinaryMs: timeRound(ordinary, sink),
  }));
}

/**
 * Copies, which V8 always does in machine code. A loop of our own would be interpreted at first,
 * and slower than any memory.
 */
function timeRound(source: Uint8Array<SharedArrayBuffer>, sink: Uint8Array): number {
  const start = performance.now();
  for (let read = 0; read < bytesOfRound(source); read += source.length) sink.set(source);
  return performance.now() - start;
}

/** A short buffer is read several times, because the clock is too coarse for a single read. */
function bytesOfRound(source: Uint8Array): number {
  return Math.ceil(ROUND_BYTES / source.length) * source.length;
}
