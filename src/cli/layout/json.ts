import type { BufferLayout } from '../../heap/backend.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { summarizeRuns } from '../../measure/run-summary.ts';

/** The report for programs: docs/schemas/dmabuf-layout.schema.json. */
export function toLayoutJson(buffer: DmaBuf, layout: BufferLayout): object {
  const { inode, exporter, name, length } = buffer;
  return {
    format: 'dmabuf-layout',
    version: 1,
    buffer: { inode, exporter, name, length },
    layout: jsonOf(layout),
  };
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
