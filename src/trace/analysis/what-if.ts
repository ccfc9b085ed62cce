import { formatDuration } from '../../base/number-format.ts';
import { checkCost } from './conversion-cost.ts';
import type { ConversionCost } from './conversion-cost.ts';
import type { CallerStatistics } from './caller-statistics.ts';

/** How much would be saved: from, to, and of what. */
export interface Saving {
  /** At least this long, in nanoseconds. */
  readonly lowNs: number;
  /** At most this long, in nanoseconds. */
  readonly highNs: number;
  /** The time that the mappings in question took, where it is known. */
  readonly ofNs?: number;
  /** What the range rests on, in sentences. */
  readonly basis: readonly string[];
}

/** What could be saved. Absent: the source says too little to tell. */
export interface Savings {
  /** The sg table is converted to pages by entry, not page by page. */
  readonly byEntry?: Saving;
  /** vmap maps runs of pages at once. */
  readonly batched?: Saving;
  /** Each buffer is mapped once. */
  readonly mappedOnce?: Saving;
}

/**
 * How much faster conversion by entry is: 5.9 times in instructions on a 6.12 kernel, 6.2 times as
 * published for a Radxa O6 (linaro-mm-sig, April 2026).
 */
export const BY_ENTRY_RATIO = { low: 5.9, high: 6.2 } as const;
/** The same publication: 2 GiB in 1.44 ms and in 0.232 ms. */
const PUBLISHED_COST: ConversionCost = { byPageNs: 2.75, byEntryNs: 0.44 };
/** Another machine is slower or faster than the published one. */
const MACHINE_FACTOR = 2;
/** vmap of 100 MB of order-8 pages on a Rockchip RK3588: 1,235 and 149 µs (June 2026, v4). */
const BATCHED_RATIO_MAX = 8.3;
const PAGE_BYTES = 4096;

/** @throws {TypeError | RangeError} for a cost that is none */
export function estimateSavings(callers: readonly CallerStatistics[], cost?: ConversionCost): Savings {
  const given = cost === undefined ? undefined : checkCost(cost);
  const byEntry = estimateByEntry(callers, given);
  const batched = estimateBatched(callers);
  const mappedOnce = estimateMappedOnce(callers);
  return {
    ...(byEntry === undefined ? {} : { byEntry }),
    ...(batched === undefined ? {} : { batched }),
    ...(mappedOnce === undefined ? {} : { mappedOnce }),
  };
}

function estimateByEntry(callers: readonly CallerStatistics[], given?: ConversionCost): Saving | undefined {
  const divided = callers.filter(({ partTimes }) => partTimes !== undefined);
  const conversionNs = sumOf(divided, ({ partTimes }) => partTimes?.['sg-to-pages'] ?? 0);
  if (conversionNs > 0 && given === undefined) {
    return {
      lowNs: conversionNs * (1 - 1 / BY_ENTRY_RATIO.low),
      highNs: conversionNs * (1 - 1 / BY_ENTRY_RATIO.high),
      ofNs: sumOf(divided, ({ totalNs }) => totalNs ?? 0),
      basis: [
        `Conversion took ${formatDuration(conversionNs)} in the ${sumOf(divided, ({ dividedCount }) => dividedCount)} mappings whose parts are known.`,
        ...(divided.some(({ tracedCount }) => tracedCount > 0)
          ? ["That is the exporter's own time: the tracer's cost is in it, so the range is rather too high."]
          : []),
        `Conversion by entry is ${BY_ENTRY_RATIO.low} (6.12, in instructions) to ${BY_ENTRY_RATIO.high} times (Radxa O6) as fast.`,
      ],
    };
  }
  // Parts may show that an exporter converts nothing.
  const converting = callers.filter(({ partTimes }) => partTimes?.['sg-to-pages'] !== 0);
  const bytes = sumOf(converting, ({ totalBytes }) => totalBytes ?? 0);
  if (bytes === 0) return undefined;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const { byPageNs, byEntryNs } = given ?? PUBLISHED_COST;
  const savedNs = pages * (byPageNs - byEntryNs);
  const factor = given === undefined ? MACHINE_FACTOR : 1;
  const perPage = `${byPageNs} ns a page by page, ${byEntryNs} ns by entry`;
  return {
    lowNs: savedNs / factor,
    highNs: savedNs * factor,
    basis: [
      `${pages} pages of 4 KiB were mapped, in the mappings whose size is known.`,
      given === undefined
        ? `${perPage}: published for a Radxa O6; this machine is taken to be up to ${MACHINE_FACTOR} times slower or faster.`
        : `${perPage}: as given.`,
      'Each mapping is taken to convert: a buffer that is mapped already costs nothing.',
    ],
  };
}

function estimateBatched(callers: readonly CallerStatistics[]): Saving | undefined {
  const divided = callers.filter(({ partTimes }) => partTimes !== undefined);
  const vmapNs = sumOf(divided, ({ partTimes }) => partTimes?.vmap ?? 0);
  if (vmapNs === 0) return undefined;
  return {
    lowNs: 0,
    highNs: vmapNs * (1 - 1 / BATCHED_RATIO_MAX),
    ofNs: vmapNs,
    basis: [
      `vmap took ${formatDuration(vmapNs)} in the ${sumOf(divided, ({ dividedCount }) => dividedCount)} mappings whose parts are known.`,
      `At best it is ${BATCHED_RATIO_MAX} times as fast: order-8 pages on a Rockchip RK3588 (arm64).`,
      'Nothing is gained where pages are scattered one by one, nor on x86-64 below runs of 2 MiB.',
    ],
  };
}

function estimateMappedOnce(callers: readonly CallerStatistics[]): Saving | undefined {
  const known = callers.filter(({ buffers }) => buffers !== undefined);
  if (known.length === 0) return undefined;
  const repeatNs = sumOf(known, ({ buffers }) => buffers?.repeatNs ?? 0);
  const repeatCount = sumOf(known, ({ buffers }) => buffers?.repeatCount ?? 0);
  return {
    lowNs: repeatNs,
    highNs: repeatNs,
    ofNs: sumOf(known, ({ totalNs }) => totalNs ?? 0),
    basis: [
      `${repeatCount} mappings were of a buffer that the same path had mapped before, by the buffer's pointer.`,
      'Their durations are added up; a pointer may have been used again for another buffer.',
      'Unmapping is saved as well, and is not counted.',
    ],
  };
}

function sumOf(callers: readonly CallerStatistics[], select: (caller: CallerStatistics) => number): number {
  return callers.reduce((sum, caller) => sum + select(caller), 0);
}
