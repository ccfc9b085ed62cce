import { SeededRandom } from '../base/seeded-random.ts';
import type { Heap } from '../heap/heap.ts';
import { TraceAnalysis } from '../trace/analysis/trace-analysis.ts';
import type { TraceReport } from '../trace/analysis/trace-analysis.ts';
import type { MappingEvent, TraceSummary, UnmappingEvent } from '../trace/mapping-event.ts';
import type { Conversion } from './kernel/exporter-mapping.ts';
import { KernelFunctions } from './kernel/kernel-functions.ts';
import type { LockUse } from './kernel/kernel-lock.ts';
import { mappingWaysOf } from './kernel/map-window.ts';
import type { MappingWay } from './kernel/map-window.ts';
import type { TableCount } from './kernel/table-counter.ts';
import { driveLoad } from './drive-load.ts';
import type { LoadExtent, LoadOutcome, StartedLoad } from './drive-load.ts';
import type { CallerVariant } from './loads/load.ts';
import { startLoad } from './loads/start-load.ts';
import type { Workload } from './workload.ts';

/** How a workload is run. */
export interface RunWorkloadOptions {
  readonly heap: Heap;
  readonly caller: CallerVariant;
  readonly conversion: Conversion;
  /** Default: `page`, as mainline does, where the heap leaves a choice; else `heap`. */
  readonly mapping?: MappingWay | undefined;
  /** Of what is drawn at random. */
  readonly seed: number;
  readonly extent: LoadExtent;
  readonly signal?: AbortSignal | undefined;
  /** Told of each mapping and unmapping. */
  readonly onRecord?: ((record: MappingEvent | UnmappingEvent) => void) | undefined;
  /** Told after each step of any consumer. */
  readonly onStep?: (() => void) | undefined;
}

/** What a run gives. */
export interface WorkloadOutcome {
  readonly loads: readonly LoadOutcome[];
  /** How the reservation locks of all buffers were used. */
  readonly lockUse: LockUse;
  /** Of the buffers that were mapped: of which entries they were made. */
  readonly tables: TableCount;
  /** Who mapped, how often and how long, as of a recording. */
  readonly report: TraceReport;
}

/**
 * Runs the consumers of a workload side by side. What a machine cannot keep up with is late: no
 * step is left out, and none is made easier.
 *
 * @throws as allocating or mapping fails, or the signal's reason; all is given back then
 */
export async function runWorkload(workload: Workload, options: RunWorkloadOptions): Promise<WorkloadOutcome> {
  const analysis = new TraceAnalysis();
  const counts = { mapping: 0, unmapping: 0 };
  const { heap, caller, conversion, onRecord, mapping = mappingWaysOf(heap).ways[0] } = options;
  const kernel = new KernelFunctions({
    conversion,
    mapping,
    onRecord: (record) => {
      analysis.addChecked(record);
      counts[record.kind] += 1;
      onRecord?.(record);
    },
  });
  const random = new SeededRandom(options.seed);
  const started: StartedLoad[] = [];
  try {
    for (const description of workload.loads)
      started.push({ description, load: await startLoad(description, { kernel, heap, random, caller }) });
    const since = performance.now();
    const loads = await driveAll(started, options);
    analysis.addChecked(summaryOf(counts, (performance.now() - since) / 1000));
    return { loads, lockUse: kernel.lockUse, tables: kernel.tables, report: analysis.report() };
  } finally {
    for (const { load } of started.toReversed()) await load.close();
  }
}

/** Where one fails, the others end at their next step, before anything is closed. */
async function driveAll(started: readonly StartedLoad[], options: RunWorkloadOptions): Promise<LoadOutcome[]> {
  const failed = new AbortController();
  const { extent, onStep } = options;
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const outcomes = await Promise.allSettled(
    started.map(async (each) => {
      try {
        return await driveLoad(each, { extent, onStep, signal });
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw failed.signal.reason;
    return outcome.value;
  });
}

function summaryOf(counts: { mapping: number; unmapping: number }, timeSpanSeconds: number): TraceSummary {
  const { mapping: mappings, unmapping: unmappings } = counts;
  return { kind: 'summary', mappings, unmappings, unreadableLines: [], lostEvents: 0, timeSpanSeconds };
}
