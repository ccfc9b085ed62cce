import type { Heap } from '../../heap/heap.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import type { MappingEvent, UnmappingEvent } from '../../trace/mapping-event.ts';
import type { LoadExtent, LoadOutcome, OnStep } from '../drive-load.ts';
import type { Conversion } from '../kernel/exporter-mapping.ts';
import type { MappingWay } from '../kernel/map-window.ts';
import type { LockUse } from '../kernel/kernel-lock.ts';
import type { TableCount } from '../kernel/table-counter.ts';
import type { CallerVariant } from '../loads/load.ts';
import type { LoadPlace, PacedLoad, Workload } from '../workload.ts';
import { Party } from './party.ts';
import type { PartyHold, PartyLockUse, PartyReport, PartyTask } from './party-messages.ts';
import { SharedObjects } from './shared-objects.ts';

/** How parties are run. */
interface PartiesOptions {
  readonly heap: Heap;
  readonly caller: CallerVariant;
  readonly conversion: Conversion;
  readonly mapping: MappingWay;
  readonly mix?: OrderMixName | undefined;
  readonly seed: number;
  readonly extent: LoadExtent;
  readonly hooks: PartyHooks;
}

/** What a test may want to see and to cause. */
export interface PartyHooks {
  /** Of the functions of the kernel: the one that fails in each party, from 1. Default: none. */
  readonly failingCall?: number;
  /** Told of each use of a lock, with the load that used it, once it is done. */
  readonly onHold?: (hold: PartyHold, description: PacedLoad) => void;
  /** Told how many buffers of its heap each party has left at its end. */
  readonly onEnd?: (bufferCount: number, description: PacedLoad) => void;
}

/** How a load got on in a thread or a process of its own. */
export interface PartyOutcome extends LoadOutcome {
  readonly place: LoadPlace;
  readonly mappingCount: number;
  readonly mappedBytes: number;
  readonly locks: readonly PartyLockUse[];
}

type OnRecord = (record: MappingEvent | UnmappingEvent) => void;

/** The loads of a workload that have a place, with what they share. */
export class WorkloadParties {
  readonly #shared: SharedObjects;
  readonly #options: PartiesOptions;
  readonly #parties: { readonly party: Party; readonly description: PacedLoad; readonly loadIndex: number }[] = [];
  /** Of the buffers that parties have mapped, as far as they are done. */
  readonly tables: TableCount[] = [];
  #lineCount = 0;

  private constructor(workload: Workload, options: PartiesOptions) {
    this.#options = options;
    this.#shared = new SharedObjects(options.heap, workload);
  }

  /** @throws as allocating, or starting a load, fails: nothing stays */
  static async start(workload: Workload, options: PartiesOptions): Promise<WorkloadParties> {
    const parties = new WorkloadParties(workload, options);
    try {
      for (const [loadIndex, description] of workload.loads.entries()) await parties.#add(description, loadIndex);
      return parties;
    } catch (error) {
      await parties.close().catch(() => {});
      throw error;
    }
  }

  /** By the load's index: drives it, and gives what it did. */
  drivers(): ReadonlyMap<number, (drive: DriveParty) => Promise<PartyOutcome>> {
    return new Map(
      this.#parties.map(({ party, description, loadIndex }) => [
        loadIndex,
        async ({ signal, onStep, onRecord }): Promise<PartyOutcome> => {
          const report = await party.drive(signal, onStep);
          this.tables.push(report.tables);
          this.#tellRecords(report, loadIndex, onRecord);
          for (const hold of report.holds) this.#options.hooks.onHold?.(hold, description);
          return outcomeOf(report, description);
        },
      ]),
    );
  }

  /** Ends all, and gives back what they shared. The first failure is thrown once all are ended. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#parties.map(async ({ party }) => await party.close()));
    for (const { party, description } of this.#parties.splice(0)) {
      const bufferCount = await party.end();
      if (bufferCount !== undefined) this.#options.hooks.onEnd?.(bufferCount, description);
    }
    this.#shared.close();
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  }

  async #add(description: PacedLoad, loadIndex: number): Promise<void> {
    const { place } = description;
    if (place === undefined) return;
    const { heap, caller, conversion, mapping, mix, extent, seed, hooks } = this.#options;
    const task: PartyTask = {
      description,
      heap: { name: heap.name, backend: heap.backend, mix },
      caller,
      conversion,
      mapping,
      seed: (seed + this.#parties.length) >>> 0,
      extent,
      buffers: this.#shared.bufferFacts,
      sessions: this.#shared.sessionFacts,
      failingCall: hooks.failingCall,
    };
    const party = await Party.start(task, { place, buffers: this.#shared.buffers });
    this.#parties.push({ party, description, loadIndex });
  }

  /** Each party counts its buffers and records from 1. */
  #tellRecords({ records }: PartyReport, loadIndex: number, onRecord: OnRecord): void {
    for (const record of records) {
      this.#lineCount += 1;
      onRecord({ ...record, line: this.#lineCount, buffer: `load-${loadIndex + 1}-${record.buffer}` });
    }
  }
}

interface DriveParty {
  readonly signal: AbortSignal;
  readonly onStep: OnStep | undefined;
  readonly onRecord: OnRecord;
}

function outcomeOf({ outcome, records, locks }: PartyReport, { place = 'thread' }: PacedLoad): PartyOutcome {
  const mappings = records.filter((record): record is MappingEvent => record.kind === 'mapping');
  const mappedBytes = mappings.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  return { ...outcome, place, mappingCount: mappings.length, mappedBytes, locks };
}

/** All together, of one kind. */
export function addLockUses(uses: readonly LockUse[]): LockUse {
  const sum = { holdCount: 0, heldNs: 0, heldNsMax: 0, waitCount: 0, waitedNs: 0 };
  for (const use of uses) {
    sum.holdCount += use.holdCount;
    sum.heldNs += use.heldNs;
    sum.heldNsMax = Math.max(sum.heldNsMax, use.heldNsMax);
    sum.waitCount += use.waitCount;
    sum.waitedNs += use.waitedNs;
  }
  return sum;
}
