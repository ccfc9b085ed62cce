import type { BufferLayout } from '../backend/contract.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { summarizeRuns } from '../measure/run-summary.ts';
import { formatJsonLine } from './ls-text.ts';

/** The report for programs, in one line. */
export function formatLayoutJson(buffer: DmaBuf, layout: BufferLayout): string {
  const { inode, exporter, name, length } = buffer;
  return formatJsonLine({ buffer: { inode, exporter, name, length }, layout: jsonOf(layout) });
}

function jsonOf(layout: BufferLayout): Record<string, unknown> {
  if (!layout.known) return { known: false, reason: layout.reason, remedy: layout.remedy ?? null };
  const { table, source } = layout;
  const { runCount, largestBytes } = summarizeRuns(table);
  return {
    known: true,
    source,
    pageSize: table.pageSize,
    entryCount: table.entryCount,
    runCount,
    orders: [...table.orders()].map(([order, entryCount]) => ({ order, entryCount })),
    largestRunBytes: largestBytes,
    runs: [...table.runs()].map(({ pfn, length }) => ({ pfn, bytes: length })),
  };
}
