import { setTimeout as sleep } from 'node:timers/promises';

import { throwIfAborted } from '../base/abort.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { Heap } from '../heap/heap.ts';
import { TraceAnalysis } from '../trace/analysis/trace-analysis.ts';
import type { TraceReport } from '../trace/analysis/trace-analysis.ts';
import type { MappingEvent, TraceSummary, UnmappingEvent } from '../trace/mapping-event.ts';
import type { Conversion } from './kernel/exporter-mapping.ts';
import { KernelFunctions } from './kernel/kernel-functions.ts';
import type { LockUse } from './kernel/kernel-lock.ts';
import type { CallerVariant, Load } from './loads/load.ts';
import { startLoad } from './loads/start-load.ts';
import type { PacedLoad, Workload } from './workload.ts';

/** How a workload is run. */
export interface RunWorkloadOptions {
  readonly heap: Heap;
  readonly caller: CallerVariant;
  readonly conversion: Conversion;
  /** Of what is drawn at random. */
  readonly seed: number;
  /** In real time, for so long; or as fast as possible, so many steps of each consumer. */
  readonly extent: { readonly seconds: number } | { readonly stepCount: number };
  readonly signal?: AbortSignal | undefined;
  /** Told of each mapping and unmapping. */
  readonly onRecord?: ((record: MappingEvent | UnmappingEvent) => void) | undefined;
  /** Told after each step of any consumer. */
  readonly onStep?: (() => void) | undefined;
}

/** How one consumer got on. */
interface LoadOutcome {
  readonly consumer: string;
  readonly stepCount: number;
  /** Steps that were done after their deadline. Absent: it was not paced. */
  readonly lateCount?: number;
  /** Of a step, from when it was due to when it was done, at the longest. */
  readonly stepNsMax: number;
}

/** What a run gives. */
export interface WorkloadOutcome {
  readonly loads: readonly LoadOutcome[];
  /** How the reservation locks of all buffers were used. */
  readonly lockUse: LockUse;
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
  const { heap, caller, conversion, onRecord } = options;
  const kernel = new KernelFunctions({
    conversion,
    onRecord: (record) => {
      analysis.addChecked(record);
      counts[record.kind] += 1;
      onRecord?.(record);
    },
  });
  const random = new SeededRandom(options.seed);
  const started: { readonly load: Load; readonly description: PacedLoad }[] = [];
  try {
    for (const description of workload.loads)
      started.push({ description, load: await startLoad(description, { kernel, heap, random, caller }) });
    const since = nowNs();
    const loads = await Promise.all(
      started.map(async ({ load, description }) => await drive(load, description, options)),
    );
    analysis.addChecked(summaryOf(counts, (nowNs() - since) / 1e9));
    return { loads, lockUse: kernel.lockUse, report: analysis.report() };
  } finally {
    for (const { load } of started.toReversed()) await load.close();
  }
}

function summaryOf(counts: { mapping: number; unmapping: number }, timeSpanSeconds: number): TraceSummary {
  const { mapping: mappings, unmapping: unmappings } = counts;
  return { kind: 'summary', mappings, unmappings, unreadableLines: [], lostEvents: 0, timeSpanSeconds };
}

async function drive(load: Load, description: PacedLoad, options: RunWorkloadOptions): Promise<LoadOutcome> {
  const { extent, signal, onStep } = options;
  const { consumer, stepsPerSecond } = description;
  const isPaced = 'seconds' in extent;
  const stepCount = isPaced ? Math.ceil(extent.seconds * stepsPerSecond) : extent.stepCount;
  const periodNs = 1e9 / stepsPerSecond;
  const deadlineNs = description.deadlineMs === undefined ? periodNs : description.deadlineMs * 1e6;
  const since = nowNs();
  let lateCount = 0;
  let stepNsMax = 0;
  for (let index = 0; index < stepCount; index += 1) {
    throwIfAborted(signal);
    const dueNs = isPaced ? since + index * periodNs : nowNs();
    if (isPaced) await waitUntil(dueNs, signal);
    await load.step(index);
    const tookNs = nowNs() - dueNs;
    if (tookNs > deadlineNs) lateCount += 1;
    stepNsMax = Math.max(stepNsMax, tookNs);
    onStep?.();
  }
  return { consumer, stepCount, ...(isPaced ? { lateCount } : {}), stepNsMax };
}

async function waitUntil(dueNs: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = (dueNs - nowNs()) / 1e6;
  if (ms > 0) await sleep(ms, undefined, { signal });
}

function nowNs(): number {
  return performance.now() * 1e6;
}
