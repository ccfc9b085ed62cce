import { withCleanup } from '../../base/cleanup.ts';
import { pagesCoveringBytes } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/fd.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import type { TraceFiles } from '../../linux/tracefs-files.ts';
import { SgTable } from '../../sg/sg-table.ts';
import type { BufferLayout } from '../contract.ts';
import { findPages, SLICE_PAGES, SLICE_TRACE_BYTES } from './find-pages.ts';
import type { MeasuredSize, PfnSource } from './find-pages.ts';
import { MappingProbes } from './mapping-probes.ts';
import { explainTracingFailure, openTrace } from './open-trace.ts';
import { PagemapSource } from './pagemap-source.ts';
import { SliceWindow } from './slice-window.ts';

/** A dma-buf to be measured. */
interface MeasuredDmaBuf extends MeasuredSize {
  readonly files?: TraceFiles;
}

/**
 * The runs of a dma-buf of any exporter: maps it, slice by slice, while probes record which pages its exporter puts there; where it
 * maps ordinary pages, the pagemap tells. Takes tracefs and the rights to use it. Pages of a dma-buf stay where they are for as long as
 * it is mapped.
 */
export function layoutOfDmaBuf(calls: SystemCalls, dmaBuf: BorrowedFd, measured: MeasuredDmaBuf): BufferLayout {
  const { root = '/' } = measured;
  try {
    return measureDmaBuf(calls, dmaBuf, { ...measured, root });
  } catch (error) {
    return { known: false, ...explainTracingFailure(error, root) };
  }
}

function measureDmaBuf(
  calls: SystemCalls,
  dmaBuf: BorrowedFd,
  { length, pageSize, root, files }: MeasuredDmaBuf & { readonly root: string },
): BufferLayout {
  return withCleanup((cleanup) => {
    const pageCount = pagesCoveringBytes(length, pageSize);
    const pageCountMax = Math.min(SLICE_PAGES, pageCount);
    const window = new SliceWindow({ calls, file: dmaBuf, pageSize, pageCountMax });
    cleanup.defer(() => window.close());
    const pagemap = new PagemapSource(pageSize, root);
    const tracing = openTrace({ root, files }, SLICE_TRACE_BYTES, (trace) => {
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

/** A table of runs: nobody tells how many entries they were. */
export function toLayout(
  pfns: Float64Array,
  sources: readonly PfnSource[],
  { length, pageSize }: MeasuredSize,
): BufferLayout {
  const tellers = sources.flatMap(({ tellers }) => [...tellers]);
  const table = SgTable.fromPages(pfns, { size: length, pageSize });
  return { known: true, table, source: `the pages of its mapping, in runs: ${tellers.join(', ')}` };
}
