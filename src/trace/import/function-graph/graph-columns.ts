import { NameTable } from './name-table.ts';

const SPACE = 32;
const CLOSE_PARENTHESIS = 41;
const DOT = 46;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const LOWER_S = 115;
const LOWER_U = 117;
const BAR = 124;

const TASK = /^(?<comm>.{1,64})-(?<pid>\d{1,10})$/u;

/** A task as its column has it, `comm-pid`. */
interface NamedTask {
  readonly comm: string;
  readonly pid: number;
}

/**
 * The columns before the last one of a function_graph line, whichever of them there are: time,
 * processor, task, flags, duration (kernel/trace/trace_functions_graph.c, print_graph_prologue).
 * One object serves for all lines.
 */
export class GraphColumns {
  readonly #parsedTasks: (NamedTask | undefined)[] = [];
  readonly #tasks = new NameTable((id, text) => this.#addTask(id, text));
  /** Seconds; NaN where there is no such column. */
  time = Number.NaN;
  /** -1 where there is no such column. */
  cpu = -1;
  task: NamedTask | undefined;
  /** NaN where the line has none. */
  ns = Number.NaN;
  hasBar = false;
  /** Where the last column begins, with the blanks of its indentation. */
  textStart = 0;

  /**
   * @param end behind the last byte of the columns: where a comment begins, `|` may be part of it
   */
  read(bytes: Uint8Array, start: number, end: number): void {
    let bar = end - 1;
    while (bar >= start && bytes[bar] !== BAR) bar -= 1;
    this.hasBar = bar >= start;
    const limit = this.hasBar ? bar : end;
    let at = this.#readTime(bytes, skipBlanks(bytes, start, limit), limit);
    at = this.#readCpu(bytes, skipBlanks(bytes, at, limit), limit, start);
    this.task = undefined;
    this.ns = Number.NaN;
    if (!this.hasBar) {
      this.textStart = at;
      return;
    }
    // Two blanks stand behind the bar at the outermost level.
    this.textStart = bytes[bar + 1] === SPACE && bytes[bar + 2] === SPACE ? bar + 3 : bar + 1;
    this.#readDuration(bytes, at, bar);
    let taskEnd = at;
    while (bytes[taskEnd] !== BAR) taskEnd += 1;
    if (taskEnd < bar) this.task = this.#parsedTasks[this.#tasks.idOf(bytes, at, taskEnd)];
  }

  /** `   37.788053 |  `: digits, a dot, digits, and a bar where other columns follow. */
  #readTime(bytes: Uint8Array, start: number, end: number): number {
    this.time = Number.NaN;
    let at = start;
    let whole = 0;
    for (; at < end && isDigit(bytes[at]); at += 1) whole = whole * 10 + (bytes[at] as number) - DIGIT_0;
    if (at === start || bytes[at] !== DOT) return start;
    let fraction = 0;
    let scale = 1;
    for (at += 1; at < end && isDigit(bytes[at]); at += 1) {
      fraction = fraction * 10 + (bytes[at] as number) - DIGIT_0;
      scale *= 10;
    }
    at = skipBlanks(bytes, at, end);
    // Without a bar it is a duration: that column stands first where time and processor are off.
    if (at < end && bytes[at] !== BAR) return start;
    this.time = (whole * scale + fraction) / scale;
    return Math.min(at + 1, end);
  }

  /** ` 1) ` */
  #readCpu(bytes: Uint8Array, start: number, end: number, lineStart: number): number {
    this.cpu = -1;
    let at = start;
    let cpu = 0;
    for (; at < end && isDigit(bytes[at]); at += 1) cpu = cpu * 10 + (bytes[at] as number) - DIGIT_0;
    if (at === start || at >= end || bytes[at] !== CLOSE_PARENTHESIS)
      return Number.isNaN(this.time) ? lineStart : start;
    this.cpu = cpu;
    return bytes[at + 1] === SPACE ? at + 2 : at + 1;
  }

  /** `! 400.663 us  `, before the last bar. */
  #readDuration(bytes: Uint8Array, start: number, bar: number): void {
    let at = bar - 1;
    while (at > start && bytes[at] === SPACE) at -= 1;
    if (bytes[at] !== LOWER_S || bytes[at - 1] !== LOWER_U) return;
    at -= 2;
    while (at > start && bytes[at] === SPACE) at -= 1;
    let value = 0;
    let factor = 1;
    let scale = 0;
    const last = at;
    for (; at >= start; at -= 1) {
      const byte = bytes[at] as number;
      if (byte === DOT && scale === 0) {
        scale = factor;
        continue;
      }
      if (!isDigit(byte)) break;
      value += (byte - DIGIT_0) * factor;
      factor *= 10;
    }
    if (at === last) return;
    this.ns = scale === 0 ? value * 1000 : Math.round((value * 1000) / scale);
  }

  #addTask(id: number, text: string): void {
    // The flags of the latency format stand behind a bar of their own.
    const { comm, pid } = TASK.exec(text.trim())?.groups ?? {};
    this.#parsedTasks[id] = comm === undefined ? undefined : { comm, pid: Number(pid) };
  }
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === SPACE) at += 1;
  return at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;
}
