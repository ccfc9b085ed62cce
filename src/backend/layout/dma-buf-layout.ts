import { withCleanup } from '../../base/cleanup.ts';
import { pagesCoveringBytes } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { TraceFiles } from '../../linux/tracefs/tracefs-files.ts';
import { SgTable } from '../../sg/sg-table.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import { findPages, SLICE_PAGES, SLICE_TRACE_BYTES } from './find-pages.ts';
import type { MeasuredSize, PfnSource } from './find-pages.ts';
import { MappingProbes } from './mapping-probes.ts';
import { explainTracingFailure, openTrace } from '../../diagnosis/open-trace.ts';
import { PagemapSource } from './pagemap-source.ts';
import { SliceWindow } from './slice-window.ts';
import { thisMachine } from '../../linux/machine.ts';
import type { Machine } from '../../linux/machine.ts';

/** A dma-buf, and the means to measure it. */
interface MeasuredDmaBuf extends MeasuredSize {
  readonly files?: TraceFiles;
}

/**
 * The runs of a dma-buf of any exporter. Maps it slice by slice, while probes record the pages that
 * its exporter maps. For ordinary pages, the pagemap gives them. Takes tracefs and the rights to
 * use it. Pages of a dma-buf do not move while it is mapped.
 */
export function layoutOfDmaBuf(calls: MemoryCalls, dmaBuf: BorrowedFd, measured: MeasuredDmaBuf): BufferLayout {
  const { machine = thisMachine } = measured;
  try {
    return measureDmaBuf(calls, dmaBuf, { ...measured, machine });
  } catch (error) {
    return { known: false, ...explainTracingFailure(error, machine) };
  }
}

function measureDmaBuf(
  calls: MemoryCalls,
  dmaBuf: BorrowedFd,
  { length, pageSize, machine, files }: MeasuredDmaBuf & { readonly machine: Machine },
): BufferLayout {
  return withCleanup((cleanup) => {
    const pageCount = pagesCoveringBytes(length, pageSize);
    const pageCountMax = Math.min(SLICE_PAGES, pageCount);
    const window = new SliceWindow({ calls, file: dmaBuf, stores: 'read-only', pageSize, pageCountMax });
    cleanup.defer(() => window.close());
    const pagemap = new PagemapSource(pageSize, machine);
    const tracing = openTrace({ machine, files }, { bufferBytes: SLICE_TRACE_BYTES }, (trace) => {
      const { address, length } = window;
      return new MappingProbes(trace, { address, length, pageSize });
    });
    if ('opened' in tracing) cleanup.defer(() => tracing.opened.close());
    const sources: PfnSource[] = 'opened' in tracing ? [tracing.opened, pagemap] : [pagemap];
    const pfns = findPages(window, sources, pageCount);
    cleanup.unwind();
    if (pfns !== undefined) return toLayout(pfns, sources, { length, pageSize });
    return { known: false, ...('refusal' in tracing ? tracing.refusal : { reason: notTold(tracing.opened) }) };
  });
}

function notTold({ functions }: MappingProbes): string {
  return `the pagemap does not show its pages, and its exporter maps them by other functions than ${functions.join(', ')}`;
}

/** A table of runs: the number of entries is unknown. */
export function toLayout(
  pfns: Float64Array,
  sources: readonly PfnSource[],
  { length, pageSize }: MeasuredSize,
): BufferLayout {
  const recordedBy = sources.flatMap((source) => [...source.recordedBy]);
  const table = SgTable.fromPages(pfns, { size: length, pageSize });
  return { known: true, table, source: `the pages of its mapping, in runs: ${recordedBy.join(', ')}` };
}
