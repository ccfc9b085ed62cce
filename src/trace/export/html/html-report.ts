import type { ConversionCost } from '../../analysis/conversion-cost.ts';
import { TraceAnalysis } from '../../analysis/trace-analysis.ts';
import type { MappingEvent, TraceRecord, UnreadableLine } from '../../mapping-event.ts';
import { StackTotals } from '../stack-totals.ts';
import type { FlameStacks } from './flame-graph-section.ts';
import { formatReportPage } from './report-page.ts';
import { TimeLine } from './time-line.ts';

/** Each file has a clock of its own, so a picture of its own: the page must stay short. */
const TIME_LINES_MAX = 4;
const UNREADABLE_SHOWN = 20;

/**
 * Adds up a trace to a report as one HTML page, which needs no network. What is held, and how long
 * the page is, depends on how many call paths and consumers there are, not on the trace's length.
 */
export class HtmlReport {
  readonly #analysis = new TraceAnalysis();
  readonly #calls = new StackTotals('calls');
  readonly #samples = new StackTotals('calls');
  readonly #times = new StackTotals('ns');
  readonly #timeLines = new Map<string | undefined, TimeLine>();
  readonly #otherFiles = new Set<string | undefined>();
  readonly #unreadableLines: UnreadableLine[] = [];
  #timedCount = 0;
  #callCount = 0;

  add(record: TraceRecord): void {
    this.#analysis.addChecked(record);
    if (record.kind === 'mapping') this.#addMapping(record);
    if (record.kind === 'summary')
      this.#unreadableLines.push(...record.unreadableLines.slice(0, UNREADABLE_SHOWN - this.#unreadableLines.length));
  }

  /**
   * The same records and arguments give the same page.
   *
   * @param files what was read, as it was given
   * @param cost what conversion costs on the machine in question. Default: a published figure
   */
  page(files: readonly string[], cost?: ConversionCost): string {
    return formatReportPage({
      report: this.#analysis.report(cost),
      files,
      unreadableLines: this.#unreadableLines,
      flame: this.#flame(),
      timeLines: [...this.#timeLines].map(([file, timeLine]) => ({ file, timeLine })),
      otherFileCount: this.#otherFiles.size,
    });
  }

  #addMapping(event: MappingEvent): void {
    if (event.marks?.includes('sample') === true) {
      this.#samples.add(event);
      return;
    }
    this.#calls.add(event);
    this.#times.add(event);
    this.#callCount += event.count ?? 1;
    if (typeof event.durationNs === 'number') this.#timedCount += event.count ?? 1;
    this.#timeLineOf(event.file)?.add(event);
  }

  #timeLineOf(file: string | undefined): TimeLine | undefined {
    const known = this.#timeLines.get(file);
    if (known !== undefined) return known;
    if (this.#timeLines.size >= TIME_LINES_MAX) {
      this.#otherFiles.add(file);
      return undefined;
    }
    const timeLine = new TimeLine();
    this.#timeLines.set(file, timeLine);
    return timeLine;
  }

  /** By time where there is any, else by calls, else by samples. */
  #flame(): FlameStacks {
    if (this.#timedCount > 0) {
      const { otherWeight } = this.#times;
      const untimedCount = this.#callCount - this.#timedCount;
      return { unit: 'ns', stacks: this.#times.stacks(), otherWeight, untimedCount };
    }
    const [unit, totals] =
      this.#callCount > 0 ? (['calls', this.#calls] as const) : (['samples', this.#samples] as const);
    return { unit, stacks: totals.stacks(), otherWeight: totals.otherWeight, untimedCount: 0 };
  }
}
