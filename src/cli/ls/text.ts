import { formatSize } from '../../base/sizes.ts';
import { formatCount } from '../../base/number-format.ts';

/** A size that may have a fraction of a byte. */
export function formatShare(bytes: number): string {
  return formatSize(Math.round(bytes));
}

/** `+3`, `-1`, or nothing for no change. */
export function formatGrowth(count: number): string {
  return signed(count, formatCount);
}

/** `+24 MiB`, `-8 MiB`, or nothing for no change. */
export function formatSizeGrowth(bytes: number): string {
  return signed(bytes, formatSize);
}

function signed(value: number, format: (value: number) => string): string {
  if (value === 0) return '';
  return `${value > 0 ? '+' : '-'}${format(Math.abs(value))}`;
}
