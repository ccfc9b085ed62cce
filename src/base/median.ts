import { assert } from './assert.ts';

/** The value below which `fraction` of the sorted values lie, interpolated between two values. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  assert(below !== undefined && above !== undefined, 'A quantile needs a value');
  return below + (above - below) * (position - Math.floor(position));
}

/** The middle value, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
