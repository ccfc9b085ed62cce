import type { BenchRow } from './row.ts';

/**
 * A comparison with its target: a ratio to reach, a time or a difference not to exceed, a range
 * that the peer is to be in, or none.
 */
export interface JudgedRow extends BenchRow {
  /** The longest time by which this package may be slower, in ns. */
  readonly differenceNsMax?: number;
  /** The time of the fastest possible way on this machine; null where it was not measured. */
  readonly fastestNs?: number | null;
  /** The longest time that this package may take, in ns. */
  readonly oursNsMax?: number;
  /** What this package says of the peer: its least and its longest time, in ns. */
  readonly peerBetweenNs?: readonly [number, number];
}

/**
 * The ratio of the fastest possible way, where even that misses the target. Undefined where there
 * is no such limit.
 */
export function ratioAtMost({ peerNs, target, fastestNs }: JudgedRow): number | undefined {
  if (peerNs === null || target === undefined || typeof fastestNs !== 'number') return undefined;
  const ratio = peerNs / fastestNs;
  return ratio < target ? ratio : undefined;
}

/**
 * Whether a row's target is reached. Null without a target, without a peer, or where it cannot be
 * reached at all.
 */
export function isReached(row: JudgedRow): boolean | null {
  if (row.oursNs === null || row.peerNs === null || row.ratio === null) return null;
  if (row.peerBetweenNs !== undefined) return row.peerNs >= row.peerBetweenNs[0] && row.peerNs <= row.peerBetweenNs[1];
  if (row.oursNsMax !== undefined) return row.oursNs <= row.oursNsMax;
  if (row.differenceNsMax !== undefined) return row.oursNs - row.peerNs <= row.differenceNsMax;
  if (row.target === undefined || ratioAtMost(row) !== undefined) return null;
  return row.ratio >= row.target;
}
