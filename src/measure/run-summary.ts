import type { SgTable } from '../sg/sg-table.ts';

/** The runs of one order: of 2^order pages or more, and less than twice that. */
interface RunShare {
  readonly order: number;
  readonly runCount: number;
  readonly pageCount: number;
}

/** How contiguous a buffer is. */
interface RunSummary {
  readonly runCount: number;
  readonly largestBytes: number;
  /** Rounded to whole bytes. */
  readonly meanBytes: number;
  /** Largest first. */
  readonly shares: readonly RunShare[];
}

export function summarizeRuns(table: SgTable): RunSummary {
  const shares = new Map<number, RunShare>();
  let largestBytes = 0;
  const runs = table.runs();
  for (const { length } of runs) {
    largestBytes = Math.max(largestBytes, length);
    const pages = length / table.pageSize;
    const order = Math.floor(Math.log2(pages));
    const { runCount = 0, pageCount = 0 } = shares.get(order) ?? {};
    shares.set(order, { order, runCount: runCount + 1, pageCount: pageCount + pages });
  }
  return {
    runCount: runs.count,
    largestBytes,
    meanBytes: Math.round(table.length / runs.count),
    shares: [...shares.values()].toSorted((a, b) => b.order - a.order),
  };
}
