import { assert } from '../base/assert.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { Heap } from '../heap/heap.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import { TraceAnalysis } from '../trace/analysis/trace-analysis.ts';
import type { TraceReport } from '../trace/analysis/trace-analysis.ts';
import type { MappingEvent, TraceSummary, UnmappingEvent } from '../trace/mapping-event.ts';
import type { Conversion } from './kernel/exporter-mapping.ts';
import { addLockUses, WorkloadParties } from './contention/workload-parties.ts';
import type { PartyHooks, PartyOutcome } from './contention/workload-parties.ts';
import { countLocks } from './kernel/buffer-locks.ts';
import { KernelFunctions } from './kernel/kernel-functions.ts';
import type { LockHold, LockUse } from './kernel/kernel-lock.ts';
import { mappingWaysOf } from './kernel/map-window.ts';
import type { MappingWay } from './kernel/map-window.ts';
import { addTables } from './kernel/table-counter.ts';
import type { TableCount } from './kernel/table-counter.ts';
import { driveLoad } from './drive-load.ts';
import type { LoadExtent, LoadOutcome, OnStep, StartedLoad } from './drive-load.ts';
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
  /** Told of each use of a reservation lock, as it ends, by loads without a place. */
  readonly onReservation?: ((hold: LockHold) => void) | undefined;
  /** Told after each step of any consumer. */
  readonly onStep?: OnStep | undefined;
  /** That the heap was opened with: threads and processes open theirs alike. */
  readonly mix?: OrderMixName | undefined;
  /** Of loads in threads and processes of their own. */
  readonly partyHooks?: PartyHooks;
}

/** What a run gives. */
export interface WorkloadOutcome {
  /** More is told of those in threads and processes of their own. */
  readonly loads: readonly (LoadOutcome | PartyOutcome)[];
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
  const { heap, caller, conversion, mapping = mappingWaysOf(heap).ways[0] } = options;
  const onRecord = (record: MappingEvent | UnmappingEvent): void => {
    analysis.addChecked(record);
    counts[record.kind] += 1;
    options.onRecord?.(record);
  };
  const lockCounts = countLocks(options.onReservation);
  const kernel = new KernelFunctions({ conversion, mapping, onRecord, lockCounts });
  const random = new SeededRandom(options.seed);
  const parties = await WorkloadParties.start(workload, { ...options, mapping, hooks: options.partyHooks ?? {} });
  const started: OwnLoad[] = [];
  try {
    for (const [index, description] of workload.loads.entries())
      if (description.place === undefined)
        started.push({ index, description, load: await startLoad(description, { kernel, heap, random, caller }) });
    const since = performance.now();
    const loads = await driveAll(workload, { started, parties, onRecord, options });
    analysis.addChecked(summaryOf(counts, (performance.now() - since) / 1000));
    return {
      loads,
      lockUse: addLockUses([kernel.lockUse, ...reservationUses(loads)]),
      tables: addTables([kernel.tables, ...parties.tables]),
      report: analysis.report(),
    };
  } finally {
    try {
      for (const { load } of started.toReversed()) await load.close();
    } finally {
      await parties.close();
    }
  }
}

/** A load of this thread. */
interface OwnLoad extends StartedLoad {
  /** Of the workload's loads. */
  readonly index: number;
}

interface DriveAll {
  readonly started: readonly OwnLoad[];
  readonly parties: WorkloadParties;
  readonly onRecord: (record: MappingEvent | UnmappingEvent) => void;
  readonly options: RunWorkloadOptions;
}

type Outcome = LoadOutcome | PartyOutcome;

/** Where one fails, the others end at their next step, before anything is closed. */
async function driveAll(workload: Workload, { started, parties, onRecord, options }: DriveAll): Promise<Outcome[]> {
  const failed = new AbortController();
  const { extent, onStep } = options;
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const drivers = new Map<number, () => Promise<Outcome>>();
  for (const each of started) drivers.set(each.index, async () => await driveLoad(each, { extent, onStep, signal }));
  for (const [index, drive] of parties.drivers())
    drivers.set(index, async () => await drive({ signal, onStep, onRecord }));
  const outcomes = await Promise.allSettled(
    [...workload.loads.keys()].map(async (index) => {
      try {
        const drive = drivers.get(index);
        assert(drive !== undefined, 'Every load is started');
        return await drive();
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

function reservationUses(loads: readonly Outcome[]): LockUse[] {
  return loads.flatMap((load) => ('locks' in load ? load.locks.filter(({ lock }) => lock === 'reservation') : []));
}

function summaryOf(counts: { mapping: number; unmapping: number }, timeSpanSeconds: number): TraceSummary {
  const { mapping: mappings, unmapping: unmappings } = counts;
  return { kind: 'summary', mappings, unmappings, unreadableLines: [], lostEvents: 0, timeSpanSeconds };
}
