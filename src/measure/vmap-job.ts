import { isDmaBufError } from '../base/errors.ts';
import type { DmaBufError } from '../base/errors.ts';
import { MiB } from '../base/sizes.ts';
import { measureReadSpeed } from '../heap/read-speed.ts';
import type { ReadSpeed } from '../heap/read-speed.ts';
import { readMaxMapCount } from '../linux/proc/process-mappings.ts';
import type { CountedCalls } from './counted-calls.ts';
import type { MeasuredBuffer } from './measured-buffer.ts';
import { proveTable } from './memory-proof.ts';
import type { MemoryProof } from './memory-proof.ts';
import { measurePageByPage } from './page-by-page-measurement.ts';
import type { PageByPageReport } from './page-by-page-measurement.ts';
import { pagesOfEntryEnds, sampledPages } from './stamps.ts';
import { measureMapping, touchEveryPage } from './vmap-measurement.ts';
import type { VmapTiming } from './vmap-measurement.ts';
import { proveWindow } from './window-proof.ts';
import type { WindowProof } from './window-proof.ts';

/** The steps of a long job, in order. */
export type JobStep =
  | 'open the heap'
  | 'fragment the memory'
  | 'convert to pages'
  | 'convert to pages in C'
  | 'commit the memory'
  | 'map run by run'
  | 'prove the window'
  | 'map page by page'
  | 'compare huge pages';

/** Called repeatedly during a job: `done` of `total`, in any unit. */
export type ReportProgress = (step: JobStep, done: number, total: number) => void;

/** The cost of mapping a buffer, and whether the window shows the buffer. */
export interface MappedReport {
  readonly mapped: true;
  /**
   * The very first mapping, with every page read. That commits and zeroes pages that are not
   * committed yet.
   */
  readonly firstTouchNs: number;
  /** Every page read again, through the same view. */
  readonly secondTouchNs: number;
  readonly readSpeed: ReadSpeed;
  readonly byRun: VmapTiming;
  readonly byPage: PageByPageReport;
  readonly proof: WindowProof;
  /** For a buffer in the machine's memory whose table is known. */
  readonly tableProof: MemoryProof | undefined;
}

/** No window: there are more runs than mappings. */
export interface RefusedReport {
  readonly mapped: false;
  /** The number needed, the limit, and the remedy. */
  readonly refusal: string;
  /** Calls of `mmap` made before the refusal. */
  readonly callCount: number;
  /**
   * About the largest buffer of the same mix that could be mapped, in whole MiB; undefined when not
   * even 1 MiB.
   */
  readonly lengthThatMaps: number | undefined;
}

export type VmapReport = MappedReport | RefusedReport;

/** The inputs of {@link runVmapJob}. */
interface VmapJobInput {
  readonly measured: MeasuredBuffer;
  readonly counted: CountedCalls;
  readonly onProgress: ReportProgress;
}

/**
 * The shares of the orders differ slightly at another size, and the number of free mappings in
 * another process.
 */
const LENGTH_THAT_MAPS_MARGIN = 0.95;

/**
 * Maps the buffer run by run and page by page, and proves the window. A refused window is a result
 * as well.
 */
export function runVmapJob(input: VmapJobInput): VmapReport {
  const callsBefore = input.counted.mmapCount();
  const { length } = input.measured.buffer;
  let first: FirstView;
  try {
    first = useFirstView(input);
  } catch (error) {
    if (!isDmaBufError(error, 'ENOMEM')) throw error;
    return reportRefusal(error, input.counted.mmapCount() - callsBefore, length);
  }
  const byRun = measureByRun(input);
  const proofs = prove(input);
  return { mapped: true, ...first, byRun, byPage: measureByPage(input), ...proofs };
}

type FirstView = Pick<MappedReport, 'firstTouchNs' | 'secondTouchNs' | 'readSpeed'>;

function useFirstView({ measured, onProgress }: VmapJobInput): FirstView {
  const { buffer, filePages } = measured;
  const start = performance.now();
  const view = buffer.vmap();
  try {
    touchEveryPage(view, filePages.pageSize, (done, total) => onProgress('commit the memory', done, total));
    const touched = performance.now();
    touchEveryPage(view, filePages.pageSize);
    const touchedAgain = performance.now();
    return {
      firstTouchNs: Math.round((touched - start) * 1e6),
      secondTouchNs: Math.round((touchedAgain - touched) * 1e6),
      readSpeed: measureReadSpeed(view.subarray(0, Math.min(view.length, MiB))),
    };
  } finally {
    view.close();
  }
}

function measureByRun({ measured, counted, onProgress }: VmapJobInput): VmapTiming {
  return measureMapping(() => measured.buffer.vmap(), {
    counted,
    pageSize: measured.filePages.pageSize,
    onRound: (done, total) => onProgress('map run by run', done, total),
  });
}

function prove({ measured, onProgress }: VmapJobInput): Pick<MappedReport, 'proof' | 'tableProof'> {
  onProgress('prove the window', 0, 1);
  const { buffer, heap, layout, filePages, secondWay } = measured;
  const pages = layout.known ? pagesOfEntryEnds(layout.table) : sampledPages(filePages.pages.length);
  const view = buffer.vmap();
  try {
    const proof = proveWindow(view, secondWay, { pages, pageSize: filePages.pageSize });
    const isMachines = heap.arenaPageCount === undefined;
    // The pages whose stamps are there now.
    const way = 'past the view';
    return { proof, tableProof: isMachines && layout.known ? proveTable(layout.table, { pages, way }) : undefined };
  } finally {
    view.close();
  }
}

function measureByPage({ measured, counted, onProgress }: VmapJobInput): PageByPageReport {
  onProgress('map page by page', 0, 1);
  return measurePageByPage(measured.filePages, {
    mapping: measured.mapping,
    counted,
    mappingCountMax: readMaxMapCount(),
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
