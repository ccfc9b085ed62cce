/** One comparison of a benchmark: this package and its peer, in the same run. */
export interface BenchRow {
  /** The operation and its size: "2 GiB, mix fresh (2048 entries)". */
  readonly subject: string;
  /** How this package does it. */
  readonly ours: string;
  /** Null where this machine lacks a requirement, which `ours` then names. */
  readonly oursNs: number | null;
  /** The peer. */
  readonly peer: string;
  /** Null without a peer, such as C without a compiler. */
  readonly peerNs: number | null;
  /** peerNs / oursNs: how many times faster this package is. Null where either time is. */
  readonly ratio: number | null;
  /** The target ratio. */
  readonly target?: number;
}

/** A row with its ratio. */
export function toBenchRow<Row extends Omit<BenchRow, 'ratio'>>(row: Row): Row & Pick<BenchRow, 'ratio'> {
  return { ...row, ratio: row.peerNs === null || row.oursNs === null ? null : row.peerNs / row.oursNs };
}
