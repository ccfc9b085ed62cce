import { formatAmount } from '../../base/number-format.ts';
import { formatSize, GiB } from '../../base/sizes.ts';
import type { ObservedCaller, SizeUse } from './observed-caller.ts';

/** Of a workload's field. */
const LENGTH_MIN = 64;
const LENGTH_MAX: number = 16 * GiB;
/** As loads of a workload, or nodes of a request. */
const SIZES_MAX = 16;
/** What comes less often, against the size that comes most, is no part of every request. */
const REGULAR_SHARE = 1 / 4;

type Note = (text: string) => void;

/** A size of which each request has `perRequest` buffers. */
interface RegularSize {
  readonly use: SizeUse;
  readonly perRequest: number;
}

/** The sizes that a workload can have, those that come most often first. */
export function usableSizes({ sizes, withoutSizeCount }: ObservedCaller, note: Note): readonly SizeUse[] {
  const usable = sizes.filter(({ sizeBytes }) => sizeBytes >= LENGTH_MIN && sizeBytes <= LENGTH_MAX);
  const taken = usable.toSorted((a, b) => b.callCount - a.callCount).slice(0, SIZES_MAX);
  if (sizes.length > 0) noteLeftOut(withoutSizeCount, 'whose size is not known', note);
  const leftOut = sizes.filter((use) => !taken.includes(use));
  noteLeftOut(countOf(leftOut), `of sizes that a workload cannot have, or that are more than ${SIZES_MAX}`, note);
  return taken;
}

/** The sizes that every request has, and how many buffers of each; largest first. */
export function regularSizes(observed: ObservedCaller, note: Note): readonly RegularSize[] {
  const usable = usableSizes(observed, note);
  const most = usable[0]?.callCount ?? 0;
  const regular = usable.filter(({ callCount }) => callCount >= most * REGULAR_SHARE);
  const requestCount = regular.at(-1)?.callCount ?? 1;
  const rare = usable.filter((use) => !regular.includes(use));
  noteLeftOut(countOf(rare), `of sizes that not every request has (${rare.map(sizeOf).join(', ')})`, note);
  return regular
    .map((use) => ({ use, perRequest: Math.round(use.callCount / requestCount) }))
    .toSorted((a, b) => b.use.sizeBytes - a.use.sizeBytes);
}

/** All sizes as one. */
export function allSizes({ sizes, callCount }: ObservedCaller): SizeUse {
  const [largest] = sizes;
  return {
    sizeBytes: largest?.sizeBytes ?? 0,
    callCount,
    bufferCount: sizes.reduce((sum, { bufferCount }) => sum + bufferCount, 0),
    isMappedAgain: sizes.some(({ isMappedAgain }) => isMappedAgain),
    seconds: Math.max(0, ...sizes.map(({ seconds }) => seconds)),
  };
}

function noteLeftOut(count: number, what: string, note: Note): void {
  if (count > 0) note(`left out: ${formatAmount(count, 'mapping', 'mappings')} ${what}`);
}

function countOf(uses: readonly SizeUse[]): number {
  return uses.reduce((sum, { callCount }) => sum + callCount, 0);
}

function sizeOf({ sizeBytes }: SizeUse): string {
  return formatSize(sizeBytes);
}
