/** Numbers that a reader grasps quickly: three digits, a unit, commas between thousands. */

const DURATION_UNITS = [
  { suffix: 's', ns: 1e9 },
  { suffix: 'ms', ns: 1e6 },
  { suffix: 'µs', ns: 1e3 },
] as const;

const COUNT_UNITS = [
  { suffix: 'G', factor: 1e9 },
  { suffix: 'M', factor: 1e6 },
  { suffix: 'k', factor: 1e3 },
] as const;

/** `524288` as `524,288`. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/gu, ',');
}

/** `1` as `1 entry`, `2048` as `2,048 entries`. */
export function formatAmount(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Nanoseconds as `4.20 ms`, `52.1 µs` or `812 ns`. */
export function formatDuration(ns: number): string {
  const unit = DURATION_UNITS.find((candidate) => ns >= candidate.ns);
  return unit === undefined ? `${Math.round(ns)} ns` : `${formatThreeDigits(ns / unit.ns)} ${unit.suffix}`;
}

/** A range of nanoseconds in one unit, that of its end: `0.12-4.20 ms`, `12-812 ns`. */
export function formatDurationRange(low: number, high: number): string {
  const unit = DURATION_UNITS.find((candidate) => high >= candidate.ns);
  if (unit === undefined) return `${Math.round(low)}-${Math.round(high)} ns`;
  return `${formatThreeDigits(low / unit.ns)}-${formatThreeDigits(high / unit.ns)} ${unit.suffix}`;
}

/** A count rounded to three digits, as `4.20 M`, `52.1 k` or `812`. */
export function formatLargeCount(count: number): string {
  const unit = COUNT_UNITS.find(({ factor }) => count >= factor);
  return unit === undefined ? String(Math.round(count)) : `${formatThreeDigits(count / unit.factor)} ${unit.suffix}`;
}

/** A speed ratio, as `6.2x`. Below 1 with two decimals, from 100 on without. */
export function formatRatio(ratio: number): string {
  if (ratio < 1) return `${ratio.toFixed(2)}x`;
  return ratio < 99.95 ? `${ratio.toFixed(1)}x` : `${formatCount(Math.round(ratio))}x`;
}

/** Nanoseconds per page. */
export function formatNsPerPage(ns: number): string {
  return formatThreeDigits(ns);
}

/** Events for each second: `60.0/s`. */
export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 0.005 ? '<0.01/s' : `${formatThreeDigits(perSecond)}/s`;
}

/** A part of a whole, as `4.20 %`. */
export function formatShare(share: number): string {
  return share > 0 && share < 0.00005 ? '<0.01 %' : `${formatThreeDigits(share * 100)} %`;
}

function formatThreeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : formatCount(Math.round(value));
}
