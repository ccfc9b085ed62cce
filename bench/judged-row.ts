import type { BenchRow } from './row.ts';

/** A comparison with what it is judged by: a ratio to reach, a difference not to exceed, or nothing. */
export interface JudgedRow extends BenchRow {
  /** By how much ours may take longer, in ns. */
  readonly differenceNsMax?: number;
}

/** Whether a row's target is reached. Null without a target, or without a peer to tell by. */
export function isReached(row: JudgedRow): boolean | null {
  if (row.oursNs === null || row.peerNs === null || row.ratio === null) return null;
  if (row.differenceNsMax !== undefined) return row.oursNs - row.peerNs <= row.differenceNsMax;
  return row.target === undefined ? null : row.ratio >= row.target;
}
