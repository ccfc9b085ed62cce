/** One comparison of a benchmark: this package beside what it is measured against, in the same run. */
export interface BenchRow {
  /** What is done, to how much: "2 GiB, mix B (2048 entries)". */
  readonly subject: string;
  /** How this package does it. */
  readonly ours: string;
  /** Null where this machine lacks what it takes: `ours` then says what. */
  readonly oursNs: number | null;
  /** What it is compared with. */
  readonly peer: string;
  /** Null where there is nothing to compare with, such as C without a compiler. */
  readonly peerNs: number | null;
  /** peerNs / oursNs: how many times faster ours is. Null where either time is. */
  readonly ratio: number | null;
  /** The ratio to reach. */
  readonly target?: number;
}

/** A row with its ratio. */
export function toBenchRow(row: Omit<BenchRow, 'ratio'>): BenchRow {
  return { ...row, ratio: row.peerNs === null || row.oursNs === null ? null : row.peerNs / row.oursNs };
}
