import { formatSize } from '../../../base/sizes.ts';
import { formatCount, formatDuration } from '../../../base/number-format.ts';

/** `4.1 %` of 100; what is less than a tenth of a percent is said so. */
export function formatPercent(percent: number): string {
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${formatFewDigits(percent)} %`;
}

/** `60.0` or `1,200`. */
export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 0.1 ? '< 0.1' : formatFewDigits(perSecond);
}

function formatFewDigits(value: number): string {
  return value >= 99.95 ? formatCount(Math.round(value)) : value.toFixed(1);
}

/** The sizes of several buffers: `1.5 MiB`, or `4 KiB to 8 MiB`. */
export function formatSizeRange({ min, max }: { readonly min: number; readonly max: number }): string {
  return min === max ? formatSize(min) : `${formatSize(min)} to ${formatSize(max)}`;
}

/** A time of a trace, with as many digits as tell it from one that is `stepSeconds` later. */
export function formatTime(seconds: number, stepSeconds: number): string {
  const digits = Math.min(9, Math.max(0, Math.ceil(-Math.log10(stepSeconds))));
  return seconds.toFixed(digits);
}

/** A span of time, in seconds. */
export function formatSpan(seconds: number): string {
  return formatDuration(seconds * 1e9);
}
