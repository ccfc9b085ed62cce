import type { ImportContext } from '../import-context.ts';
import type { LineImporter } from '../line-importer.ts';
import type { SourceLine } from '../source-line.ts';
import { CallerLog } from './caller-log.ts';
import { cleanText, decodeQuotedPrintable } from './clean-text.ts';
import { isCutSymbol, looksLikeFrame, parseFrameText } from './frame-text.ts';
import { parseLogLine } from './log-line.ts';
import type { LogLine } from './log-line.ts';

/** Callers whose stacks may be printed at the same time, generously. */
const CALLERS_MAX = 4096;
const QUOTED_PRINTABLE_HEADER = /^Content-Transfer-Encoding:\s*quoted-printable/iu;
/** A soft line break in the midst of a frame. */
const SOFT_BREAK = /(?:\+0x|\[|\/0x|_)[^=]{0,76}=$/u;
/** A line that may go on in the next one. */
interface BrokenLine {
  readonly log: LogLine;
  readonly number: number;
}

/** Call traces in a kernel's log, whatever it came through. */
export class KernelLogImporter implements LineImporter {
  readonly #context: ImportContext;
  readonly #callers = new Map<string, CallerLog>();
  readonly #outOfTree = new Set<string>();
  #broken: BrokenLine | undefined;
  #softBroken = '';
  #isQuotedPrintable = false;

  constructor(context: ImportContext) {
    this.#context = context;
  }

  take(line: SourceLine): boolean {
    const text = this.#join(cleanText(line.text));
    if (text === undefined) return true;
    const log = parseLogLine(text);
    if (log.time !== undefined) this.#context.sawTime(log.time);
    const rest = this.#takeBroken(log);
    return rest === undefined ? true : this.#takeLine(rest, line.number);
  }

  end(): void {
    this.#dropBroken();
    for (const caller of this.#callers.values()) caller.endTrace();
    this.#callers.clear();
  }

  /** Undoes soft line breaks. Undefined: the line goes on. */
  #join(clean: string): string | undefined {
    if (QUOTED_PRINTABLE_HEADER.test(clean)) this.#isQuotedPrintable = true;
    const whole = `${this.#softBroken}${clean}`;
    this.#softBroken = '';
    if (whole.endsWith('=') && whole.length < 1024 && (this.#isQuotedPrintable || SOFT_BREAK.test(whole))) {
      this.#isQuotedPrintable = true;
      this.#softBroken = whole.slice(0, -1);
      return undefined;
    }
    return this.#isQuotedPrintable ? decodeQuotedPrintable(whole) : whole;
  }

  /** The line before was broken: this one may be its rest. Undefined: it was. */
  #takeBroken(log: LogLine): LogLine | undefined {
    const broken = this.#broken;
    if (broken === undefined) return log;
    this.#broken = undefined;
    if (!log.hasPrefix) {
      const joined = [`${broken.log.text.trimEnd()} ${log.text.trim()}`, `${broken.log.text}${log.text.trim()}`];
      // A rest that is a frame by itself is none, unless all that was there before is the prefix,
      // or
      // a part of a name.
      const { text } = broken.log;
      const isRest = parseFrameText(log.text) === undefined || text.trim() === '' || isCutSymbol(text);
      const whole = joined.find((candidate) => isWhole(candidate));
      if (isRest && whole !== undefined) {
        this.#takeLine({ ...broken.log, text: whole }, broken.number, false);
        return undefined;
      }
    }
    this.#takeLine(broken.log, broken.number, false);
    return log;
  }

  #takeLine(log: LogLine, number: number, mayBreak = true): boolean {
    const found = parseFrameText(log.text);
    const caller = this.#callers.get(log.caller);
    if (mayBreak && this.#mayGoOn(log, found?.isUnclosed === true, caller)) {
      this.#broken = { log, number };
      return true;
    }
    if (found !== undefined) {
      const known = caller ?? this.#addCaller(log.caller);
      known.takeFrame(found, number, log);
      return true;
    }
    if (caller !== undefined) return caller.takeText(number, log);
    return parsesAsReport(log) && this.#addCaller(log.caller).takeText(number, log);
  }

  /** Whether the rest of a line is likely to be in the next one. */
  #mayGoOn({ text, hasPrefix }: LogLine, isUnclosed: boolean, caller: CallerLog | undefined): boolean {
    if (isUnclosed) return true;
    if (!hasPrefix || caller?.isInTrace !== true) return false;
    return text.trim() === '' || isCutSymbol(text) || looksLikeIncomplete(text);
  }

  #dropBroken(): void {
    const broken = this.#broken;
    this.#broken = undefined;
    if (broken !== undefined) this.#takeLine(broken.log, broken.number, false);
  }

  #addCaller(id: string): CallerLog {
    const caller = new CallerLog(this.#context, this.#outOfTree, id === '');
    this.#callers.set(id, caller);
    if (this.#callers.size > CALLERS_MAX) {
      const [oldest] = this.#callers;
      oldest?.[1].endTrace();
      if (oldest !== undefined) this.#callers.delete(oldest[0]);
    }
    return caller;
  }
}

function isWhole(text: string): boolean {
  const found = parseFrameText(text);
  return found !== undefined && found.isUnclosed !== true;
}

function looksLikeIncomplete(text: string): boolean {
  return looksLikeFrame(text) && parseFrameText(text) === undefined;
}

const REPORT = /\b(?:[Tt]race|[Bb]acktrace|CPU: \d|task[: ]|Modules linked in|by task)/u;

/** Nearly all lines of a log are of no report. */
function parsesAsReport({ text }: LogLine): boolean {
  return REPORT.test(text);
}
