import type { MappingEvent, TraceRecord, TraceSummary } from '../mapping-event.ts';
import { checkRecord } from '../check-record.ts';
import { CallerTotals } from './caller-statistics.ts';
import type { CallerStatistics } from './caller-statistics.ts';
import type { ConversionCost } from './conversion-cost.ts';
import { findFindings } from './findings.ts';
import type { Finding } from './findings.ts';
import { estimateSavings } from './what-if.ts';
import type { Savings } from './what-if.ts';

/** A kernel has some hundred paths that map; a hostile file may invent more. */
const PATHS_MAX = 16_384;
const BUFFERS_MAX = 65_536;
const SEPARATOR = ';';

/** What a trace says of who maps, and what it costs. */
export interface TraceReport {
  /** By time spent, then by calls: the most first. */
  readonly callers: readonly CallerStatistics[];
  /** Calls of `dma_buf_vmap` in all sources. */
  readonly mappingCount: number;
  /** Calls of `dma_buf_vunmap` in all sources. */
  readonly unmappingCount: number;
  /** How many events the sources say they lost. */
  readonly lostEvents: number;
  /** Lines that should have been a frame or an event. */
  readonly unreadableLineCount: number;
  /** From the first to the last time in the source. Absent where it has none. */
  readonly timeSpanSeconds?: number;
  /** More paths than are kept apart were seen: mappings that are in no caller. */
  readonly otherMappingCount: number;
  /** What stands out. */
  readonly findings: readonly Finding[];
  /** What could be saved, and what each estimate rests on. */
  readonly savings: Savings;
}

/**
 * Adds up what records of a trace say, and holds no more than the call paths and buffers there are.
 *
 * @example
 * ```ts
 * import { TraceAnalysis, readTrace } from 'dmabuf/trace';
 *
 * const trace = ' 1) ! 123.456 us  |  dma_buf_vmap_unlocked();\n 1)   2.000 us    |  dma_buf_vmap_unlocked();\n';
 * const analysis = new TraceAnalysis();
 * for await (const record of readTrace([Buffer.from(trace)])) analysis.add(record);
 * const [caller] = analysis.report().callers;
 * console.log(caller?.callCount, caller?.totalNs); // 2 125456
 * ```
 */
export class TraceAnalysis {
  readonly #callers = new Map<string, CallerTotals>();
  /** Who mapped a buffer last: its unmapping is of that mapping. */
  readonly #mappers = new Map<string, CallerTotals>();
  #summaries: TraceSummary[] = [];
  #otherMappingCount = 0;

  /**
   * A record of {@link readTrace}, of one source or of several.
   *
   * @throws {TypeError | RangeError} for what is none
   */
  add(record: TraceRecord): void {
    this.addChecked(checkRecord(record, { action: 'analyze a trace', name: 'record' }));
  }

  /** @internal For records that were made here. */
  addChecked(record: TraceRecord): void {
    if (record.kind === 'summary') this.#summaries = [...this.#summaries, record];
    else if (record.kind === 'mapping') this.#addMapping(record);
    else if (record.buffer !== undefined) this.#mappers.get(record.buffer)?.unmap(record);
  }

  /**
   * @param cost what conversion costs on the machine in question. Default: a published figure
   * @throws {TypeError | RangeError} for a cost that is none
   */
  report(cost?: ConversionCost): TraceReport {
    const callers = [...this.#callers.values()].map((totals) => totals.statistics()).toSorted(compareCallers);
    const sum = (select: (summary: TraceSummary) => number): number =>
      this.#summaries.reduce((total, summary) => total + select(summary), 0);
    const spans = this.#summaries.flatMap(({ timeSpanSeconds }) => timeSpanSeconds ?? []);
    const facts = {
      callers,
      mappingCount: sum(({ mappings }) => mappings),
      unmappingCount: sum(({ unmappings }) => unmappings),
      lostEvents: sum(({ lostEvents }) => lostEvents),
      unreadableLineCount: sum(
        ({ unreadableLines, unreadableLineCount }) => unreadableLineCount ?? unreadableLines.length,
      ),
      ...(spans.length === 0 ? {} : { timeSpanSeconds: spans.reduce((total, span) => total + span, 0) }),
      otherMappingCount: this.#otherMappingCount,
    };
    return { ...facts, findings: findFindings(facts), savings: estimateSavings(callers, cost) };
  }

  #addMapping(event: MappingEvent): void {
    const caller = this.#callerOf(event);
    caller?.add(event);
    const { buffer } = event;
    if (buffer === undefined || caller === undefined) return;
    if (this.#mappers.has(buffer) || this.#mappers.size < BUFFERS_MAX) this.#mappers.set(buffer, caller);
  }

  #callerOf(event: MappingEvent): CallerTotals | undefined {
    const key = [event.driver ?? '', ...event.path].join(SEPARATOR);
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    if (this.#callers.size >= PATHS_MAX) {
      this.#otherMappingCount += event.count ?? 1;
      return undefined;
    }
    const totals = new CallerTotals(event);
    this.#callers.set(key, totals);
    return totals;
  }
}

function compareCallers(one: CallerStatistics, other: CallerStatistics): number {
  return (other.totalNs ?? 0) - (one.totalNs ?? 0) || other.callCount - one.callCount;
}
