import { formatAmount } from '../../base/number-format.ts';
import { nameConsumer } from '../../trace/analysis/consumer.ts';
import type { MappingEvent, TraceRecord } from '../../trace/mapping-event.ts';
import { parseWorkload } from '../parse-workload.ts';
import type { PacedLoad, Workload } from '../workload.ts';
import { KnownCallers } from './known-callers.ts';
import type { FoundConsumer } from './known-callers.ts';
import { loadsOfCaller } from './loads-of-caller.ts';
import { ObservedCaller } from './observed-caller.ts';

/** What a trace gives. */
export interface WorkloadOfTrace {
  /** Undefined where no consumer mirrors anybody who maps there. */
  readonly workload: Workload | undefined;
  /** What was left out, and what the trace does not show: a line each. */
  readonly notes: readonly string[];
  /** Who maps there that no consumer mirrors, by name, in order. */
  readonly unknownCallers: readonly string[];
  readonly mappingCount: number;
}

interface Mirrored extends FoundConsumer {
  readonly driver: string | undefined;
  readonly observed: ObservedCaller;
}

/** A hostile trace invents callers. */
const CALLERS_MAX = 256;

/** Makes a workload of what a trace shows. */
export class TraceWorkload {
  readonly #known: KnownCallers;
  readonly #mirrored = new Map<string, Mirrored>();
  /** Mappings by the name of who made them. */
  readonly #unknown = new Map<string, number>();
  #mappingCount = 0;
  #failureCount = 0;

  private constructor(known: KnownCallers) {
    this.#known = known;
  }

  /** @throws as {@link KnownCallers.replay} */
  static async open(): Promise<TraceWorkload> {
    return new TraceWorkload(await KnownCallers.replay());
  }

  add(record: TraceRecord): void {
    if (record.kind !== 'mapping' || record.marks?.includes('sample') === true) return;
    const { count = 1, result = 0 } = record;
    this.#mappingCount += count;
    if (result < 0) this.#failureCount += count;
    else this.#addMapping(record);
  }

  /** @param identity of the workload: its name, and where its figures come from */
  finish({ name, basis }: Pick<Workload, 'name' | 'basis'>): WorkloadOfTrace {
    const notes: string[] = [];
    const loads: PacedLoad[] = [];
    for (const { consumer, driver, callsPerStep, observed } of this.#mirrored.values()) {
      const who = driver === undefined ? consumer : `${consumer}, ${driver}`;
      const note = (text: string): void => void notes.push(`${who}: ${text}`);
      loads.push(...loadsOfCaller(consumer, { observed, driver, callsPerStep, note }));
    }
    for (const [who, count] of this.#unknown)
      notes.push(`left out: ${formatAmount(count, 'mapping', 'mappings')} by ${who}, which no consumer mirrors`);
    if (this.#failureCount > 0)
      notes.push(`left out: ${formatAmount(this.#failureCount, 'mapping that was', 'mappings that were')} refused`);
    const callers = formatAmount(this.#mirrored.size, 'caller', 'callers');
    const title = `What a trace of ${formatAmount(this.#mappingCount, 'mapping', 'mappings')} shows of ${callers}`;
    return {
      workload: loads.length === 0 ? undefined : parseWorkload({ name, title, basis, loads }),
      notes: [...new Set(notes)],
      unknownCallers: [...this.#unknown.keys()],
      mappingCount: this.#mappingCount,
    };
  }

  #addMapping(event: MappingEvent): void {
    const found = this.#known.find(event);
    const { name, driver = event.driver } = nameConsumer(event);
    if (found === undefined) {
      const key = this.#unknown.has(name) || this.#unknown.size < CALLERS_MAX ? name : 'others';
      this.#unknown.set(key, (this.#unknown.get(key) ?? 0) + (event.count ?? 1));
      return;
    }
    const key = `${found.consumer};${driver}`;
    const mirrored = this.#mirrored.get(key) ?? { ...found, driver, observed: new ObservedCaller() };
    if (!this.#mirrored.has(key) && this.#mirrored.size >= CALLERS_MAX) return;
    this.#mirrored.set(key, mirrored);
    mirrored.observed.add(event);
  }
}
