import { assert } from '../base/assert.ts';
import { MiB } from '../base/sizes.ts';
import type { CountedCalls } from './counted-calls.ts';
import { median } from '../base/median.ts';

/** A buffer's contiguous view while it is mapped. */
export interface MappedView {
  /** In bytes. */
  readonly length: number;
  subarray(offset: number, length: number): Uint8Array;
  close(): void;
}

/** The cost of mapping: medians over the rounds, in ns for the whole buffer. */
export interface VmapTiming {
  /** Calls of `mmap` per mapping. */
  readonly callCount: number;
  readonly mappedNs: number;
  /**
   * Including a read of one byte of each page. The kernel's own vmap has no page faults left when
   * it returns; a window has.
   */
  readonly mappedAndTouchedNs: number;
  readonly roundCount: number;
}

/** The parameters of {@link measureMapping}. */
interface VmapMeasurementOptions {
  readonly counted: CountedCalls;
  readonly pageSize: number;
  readonly onRound: (done: number, total: number) => void;
  /** At least 1. Default: 11. */
  readonly roundCountMax?: number;
}

const ROUND_COUNT_MAX_DEFAULT = 11;
/** No new round begins after this time: page by page, 2 GiB take 1 to 3 s per round. */
const ROUNDS_BUDGET_MS = 1500;
/** The bytes touched between two progress reports. */
const PIECE_BYTES: number = 64 * MiB;

/**
 * Maps, touches and closes, round by round. The memory is committed before, so that a page fault
 * only means a missing page-table entry, as in every round after a buffer's first.
 */
export function measureMapping(map: () => MappedView, options: VmapMeasurementOptions): VmapTiming {
  const mapped: number[] = [];
  const touched: number[] = [];
  let callCount = 0;
  const { roundCountMax = ROUND_COUNT_MAX_DEFAULT } = options;
  const begin = performance.now();
  do {
    const callsBefore = options.counted.mmapCount();
    const start = performance.now();
    const view = map();
    try {
      mapped.push(performance.now() - start);
      callCount = options.counted.mmapCount() - callsBefore;
      touchEveryPage(view, options.pageSize);
      touched.push(performance.now() - start);
    } finally {
      view.close();
    }
    options.onRound(mapped.length, roundCountMax);
  } while (mapped.length < roundCountMax && performance.now() - begin < ROUNDS_BUDGET_MS);
  return {
    callCount,
    mappedNs: Math.round(median(mapped) * 1e6),
    mappedAndTouchedNs: Math.round(median(touched) * 1e6),
    roundCount: mapped.length,
  };
}

/** Reads a byte of each page, which commits it: a shared page is allocated even by a read. */
export function touchEveryPage(
  view: MappedView,
  pageSize: number,
  onPiece: (done: number, total: number) => void = () => {},
): void {
  let sum = 0;
  for (let offset = 0; offset < view.length; offset += PIECE_BYTES) {
    sum += sumOfPages(view.subarray(offset, Math.min(PIECE_BYTES, view.length - offset)), pageSize);
    onPiece(Math.min(offset + PIECE_BYTES, view.length), view.length);
  }
  // The sum is used, so that the engine cannot remove the reads.
  assert(sum >= 0, 'Bytes are not negative');
}

function sumOfPages(bytes: Uint8Array, pageSize: number): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += pageSize) sum += bytes[offset] as number;
  return sum;
}
