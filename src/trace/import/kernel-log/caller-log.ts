import type { ImportContext } from '../import-context.ts';
import { CallTrace } from './call-trace.ts';
import type { TraceHeading } from './call-trace.ts';
import { isCutSymbol, looksLikeFrame, parseExceptionPoint } from './frame-text.ts';
import type { FrameText } from './frame-text.ts';
import type { LogLine } from './log-line.ts';
import { parseLogText } from './log-text.ts';
import type { LogText } from './log-text.ts';

/** Frames of one stack are printed at once; a second is long even for a slow serial line. */
const GAP_SECONDS = 1;
/** Within this time, a report that begins may have cut into one that is being printed. */
const OVERLAP_SECONDS = 0.1;

/**
 * What one caller prints. Where the log does not say who prints, all processors are one: traces
 * that
 * run into each other are then found out by what a single printer could not have printed, and
 * nothing of them is joined.
 */
export class CallerLog {
  readonly #context: ImportContext;
  readonly #outOfTree: Set<string>;
  readonly #isAnyone: boolean;
  #trace: CallTrace | undefined;
  /** Reports whose heading was printed, and whose call trace was not. */
  #headings: TraceHeading[] = [];
  /** A frame came after a heading and before its call trace: another report is being printed. */
  #hasStrayFrames = false;

  /** @param isAnyone the log does not say who prints */
  constructor(context: ImportContext, outOfTree: Set<string>, isAnyone: boolean) {
    this.#context = context;
    this.#outOfTree = outOfTree;
    this.#isAnyone = isAnyone;
  }

  /** Whether frames are expected: what is nearly one is then worth counting. */
  get isInTrace(): boolean {
    return this.#trace !== undefined;
  }

  takeFrame(found: FrameText, line: number, log: LogLine): void {
    const trace = this.#traceFor(log);
    if (this.#headings.length > 0 && !trace.isEmpty) this.#hasStrayFrames = true;
    trace.add(found, line, log);
  }

  /** @returns whether it belongs to a report */
  takeText(line: number, log: LogLine): boolean {
    const text = parseLogText(log.text);
    if (text.kind !== 'other') return this.#takeReport(text, log);
    if (this.#trace === undefined) return false;
    const point = this.#trace.isEmpty ? undefined : parseExceptionPoint(log.text);
    if (point !== undefined) this.#trace.add(point, line, log);
    else if (looksLikeFrame(log.text) || isCutSymbol(log.text)) this.#context.countUnreadable(line);
    else return false;
    return true;
  }

  /** A line between traces that is nobody's. */
  endTrace(): void {
    this.#trace?.end(this.#context, this.#outOfTree);
    this.#trace = undefined;
  }

  #takeReport(text: LogText, log: LogLine): boolean {
    switch (text.kind) {
      case 'header':
        this.#begin(text.task, log);
        return true;
      case 'heading':
        this.#addHeading({ ...(text.cpu === undefined ? {} : { cpu: text.cpu }), task: text.task });
        return true;
      case 'modules':
        for (const name of text.outOfTree) this.#outOfTree.add(name);
        return true;
      case 'section-end':
        if (this.#trace?.isEmpty === false) this.#trace.endSection(this.#context);
        return true;
      case 'end':
        this.endTrace();
        return log.text.trim() !== '';
      case 'section':
      case 'other':
        break;
    }
    return text.kind === 'section';
  }

  #addHeading(heading: TraceHeading): void {
    const last = this.#headings.at(-1);
    // Of one report: `INFO: task foo:12 blocked`, then `task:foo ... pid:12`, then `CPU: 1 PID:
    // 12`.
    const isSame = last?.task?.pid === heading.task?.pid && last?.task?.comm === heading.task?.comm;
    if (last !== undefined && isSame) this.#headings[this.#headings.length - 1] = { ...last, ...heading };
    else this.#headings = [...this.#headings, heading].slice(-8);
    this.#hasStrayFrames = false;
  }

  #begin(task: TraceHeading['task'], log: LogLine): void {
    const isAmbiguous = this.#isAnyone && this.#mayOverlap(log);
    if (isAmbiguous) this.#trace?.cut();
    this.endTrace();
    // Of several headings, which one this trace is of is not known.
    const heading = task === undefined ? (isAmbiguous ? {} : (this.#headings.at(-1) ?? {})) : { task };
    this.#headings = isAmbiguous ? this.#headings.slice(1) : [];
    this.#hasStrayFrames = false;
    this.#trace = new CallTrace(heading, { hasHeader: true, isAmbiguous });
    this.#trace.lastTime = log.time;
  }

  /** Signs that another report is being printed. */
  #mayOverlap({ time }: LogLine): boolean {
    if (this.#headings.length > 1 || this.#hasStrayFrames) return true;
    const trace = this.#trace;
    if (trace === undefined) return false;
    if (trace.isAmbiguous || (trace.hasHeader && trace.isEmpty)) return true;
    if (trace.isComplete || time === undefined || trace.lastTime === undefined) return false;
    return Math.abs(time - trace.lastTime) < OVERLAP_SECONDS;
  }

  #traceFor({ time }: LogLine): CallTrace {
    const current = this.#trace;
    if (current !== undefined) {
      const gap = time === undefined || current.lastTime === undefined ? 0 : Math.abs(time - current.lastTime);
      if (gap <= GAP_SECONDS) return current;
      this.endTrace();
    }
    const trace = new CallTrace(this.#headings.at(-1) ?? {}, { hasHeader: false, isAmbiguous: false });
    this.#trace = trace;
    return trace;
  }
}
