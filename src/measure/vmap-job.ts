import { isDmaBufError } from '../base/errors.ts';
import type { DmaBufError } from '../base/errors.ts';
import { GiB, MiB } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import type { SgTable } from '../sg/sg-table.ts';
import type { CountedCalls } from './counted-calls.ts';
import type { MeasuredHeap } from './measured-heap.ts';
import { PageByPageWindow } from './page-by-page-window.ts';
import type { ReportProgress } from './progress.ts';
import { measureMapping, touchEveryPage } from './vmap-measurement.ts';
import type { VmapTiming } from './vmap-measurement.ts';
import { proveWindow } from './window-proof.ts';
import type { WindowProof } from './window-proof.ts';

/** What mapping a buffer costs, and whether the window shows the buffer. */
export interface MappedReport {
  readonly mapped: true;
  /** The very first mapping, with every page read: the memory is committed and zeroed on the way. */
  readonly firstTouchNs: number;
  readonly byRun: VmapTiming;
  /** Missing above {@link PAGE_BY_PAGE_BYTES_MAX}. */
  readonly byPage: VmapTiming | undefined;
  readonly proof: WindowProof;
}

/** No window: there are more runs than mappings. */
export interface RefusedReport {
  readonly mapped: false;
  /** What was needed, the limit, and the remedy. */
  readonly refusal: string;
  /** Calls of `mmap` made before the refusal. */
  readonly callCount: number;
  /** About as large a buffer of the same mix could be mapped, in whole MiB; undefined when not even 1 MiB. */
  readonly lengthThatMaps: number | undefined;
}

export type VmapReport = MappedReport | RefusedReport;

/** What {@link runVmapJob} works on. */
interface VmapJobInput {
  readonly buffer: DmaBuf;
  readonly table: SgTable;
  readonly measured: MeasuredHeap;
  readonly counted: CountedCalls;
  readonly onProgress: ReportProgress;
}

/** Page by page, a mapping of more than this takes longer than anybody waits: 1.5 to 6 µs a page. */
export const PAGE_BY_PAGE_BYTES_MAX: number = 4 * GiB;

/** Other mixes have their orders in slightly other shares at another size, and other processes other mappings. */
const LENGTH_THAT_MAPS_MARGIN = 0.95;

/** Maps the buffer run by run and page by page, and proves the window. A refused window is a result as well. */
export function runVmapJob(input: VmapJobInput): VmapReport {
  const callsBefore = input.counted.mmapCount();
  let firstTouchNs: number;
  try {
    firstTouchNs = commit(input);
  } catch (error) {
    if (!isDmaBufError(error, 'ENOMEM')) throw error;
    return reportRefusal(error, input.counted.mmapCount() - callsBefore, input.buffer.length);
  }
  const byRun = measureByRun(input);
  const proof = prove(input);
  const byPage = input.buffer.length <= PAGE_BY_PAGE_BYTES_MAX ? measureByPage(input) : undefined;
  return { mapped: true, firstTouchNs, byRun, byPage, proof };
}

function commit({ buffer, table, onProgress }: VmapJobInput): number {
  const start = performance.now();
  const view = buffer.vmap();
  try {
    touchEveryPage(view, table.pageSize, (done, total) => onProgress('commit the memory', done, total));
    return Math.round((performance.now() - start) * 1e6);
  } finally {
    view.close();
  }
}

function measureByRun({ buffer, table, counted, onProgress }: VmapJobInput): VmapTiming {
  return measureMapping(() => buffer.vmap(), {
    counted,
    pageSize: table.pageSize,
    onRound: (done, total) => onProgress('map run by run', done, total),
  });
}

function prove({ buffer, table, measured, onProgress }: VmapJobInput): WindowProof {
  onProgress('prove the window', 0, 1);
  const view = buffer.vmap();
  try {
    return proveWindow(view, measured.heap.arena, table);
  } finally {
    view.close();
  }
}

function measureByPage({ table, measured, counted, onProgress }: VmapJobInput): VmapTiming {
  onProgress('map page by page', 0, 1);
  const pages = {
    fd: measured.arenaFd,
    pfns: pagesByPage(table),
    pageSize: table.pageSize,
    runCount: table.runs().count,
  };
  const window = new PageByPageWindow(measured.mapping, pages);
  return measureMapping(() => window.map(), {
    counted,
    pageSize: table.pageSize,
    onRound: (done, total) => onProgress('map page by page', done, total),
  });
}

function reportRefusal(error: DmaBufError, callCount: number, length: number): RefusedReport {
  const { need, inUse, limit, keptFree } = error.values;
  const share = (Number(limit) - Number(keptFree) - Number(inUse)) / Number(need);
  const mebibytes = Math.floor((length * share * LENGTH_THAT_MAPS_MARGIN) / MiB);
  const lengthThatMaps = mebibytes >= 1 ? mebibytes * MiB : undefined;
  return { mapped: false, refusal: error.message, callCount, lengthThatMaps };
}
