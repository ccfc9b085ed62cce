import type { TimeLineSlice } from './time-line-row.ts';

/** What the bars of a row stand for, and how high they go. */
export interface TimeLineScale {
  readonly unit: 'ns' | 'calls';
  /** Of the highest bar. */
  readonly peak: number;
  /** At the upper edge of the picture: higher bars are cut. */
  readonly top: number;
}

/** Of fewer bars none stands out. */
const CUT_BARS_MIN = 20;
/** A few mappings take many times as long as others: a page fault, an interrupt, a cold cache. */
const OUTLIER_RATIO = 5;

/**
 * Bars as high as the highest one would leave the others too low to be seen where it is more than
 * five times as high as nine of ten: then the picture ends at three times the height of those.
 */
export function scaleOf(bins: readonly TimeLineSlice[]): TimeLineScale {
  const unit = bins.some(({ totalNs }) => totalNs > 0) ? 'ns' : 'calls';
  const heights = bins.map((bin) => heightOf(bin, unit)).filter((height) => height > 0);
  const sorted = heights.toSorted((one, other) => one - other);
  const peak = sorted.at(-1) ?? 1;
  const usual = sorted[Math.floor(sorted.length * 0.9)] ?? peak;
  const isCut = sorted.length >= CUT_BARS_MIN && peak > usual * OUTLIER_RATIO;
  return { unit, peak, top: isCut ? usual * 3 : peak };
}

export function heightOf({ calls, totalNs }: TimeLineSlice, unit: TimeLineScale['unit']): number {
  return unit === 'ns' ? totalNs : calls;
}
