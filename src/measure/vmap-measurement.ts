import { assert } from '../base/assert.ts';
import { MiB } from '../base/sizes.ts';
import type { CountedCalls } from './counted-calls.ts';
import { median } from './sampling.ts';

/** A buffer's contiguous view while it is mapped. */
export interface MappedView {
  /** In bytes. */
  readonly length: number;
  subarray(offset: number, length: number): Uint8Array;
  close(): void;
}

/** What mapping costs: medians over the rounds, in ns for the whole buffer. */
export interface VmapTiming {
  /** Calls of `mmap` in one mapping. */
  readonly callCount: number;
  readonly mappedNs: number;
  /** With one byte of each page read as well. The kernel's own vmap has no page fault left when it returns; a window has. */
  readonly mappedAndTouchedNs: number;
  readonly roundCount: number;
}

/** How {@link measureMapping} goes about it. */
interface VmapMeasurementOptions {
  readonly counted: CountedCalls;
  readonly pageSize: number;
  readonly onRound: (done: number, total: number) => void;
}

const ROUND_COUNT_MAX = 11;
/** No new round begins after this long: page by page, 2 GiB take 1 to 3 s a round. */
const ROUNDS_BUDGET_MS = 1500;
/** Touched between two reports of progress. */
const PIECE_BYTES: number = 64 * MiB;

/**
 * Maps, touches and closes, round by round. The memory was committed before, so that a page fault is only a missing
 * page-table entry, as in every round after a buffer's first.
 */
export function measureMapping(map: () => MappedView, options: VmapMeasurementOptions): VmapTiming {
  const mapped: number[] = [];
  const touched: number[] = [];
  let callCount = 0;
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
    options.onRound(mapped.length, ROUND_COUNT_MAX);
  } while (mapped.length < ROUND_COUNT_MAX && performance.now() - begin < ROUNDS_BUDGET_MS);
  return {
    callCount,
    mappedNs: Math.round(median(mapped) * 1e6),
    mappedAndTouchedNs: Math.round(median(touched) * 1e6),
    roundCount: mapped.length,
  };
}

/** Reads a byte of each page. What was not committed is now: a shared page is allocated when it is first read as well. */
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
  // The sum is used, so that the reads cannot be left out.
  assert(sum >= 0, 'Bytes are not negative');
}

function sumOfPages(bytes: Uint8Array, pageSize: number): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += pageSize) sum += bytes[offset] as number;
  return sum;
}
