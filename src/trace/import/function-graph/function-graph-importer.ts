import type { ImportContext } from '../import-context.ts';
import type { LineImporter } from '../line-importer.ts';
import type { SourceLine } from '../source-line.ts';
import { readCallDetails } from './call-details.ts';
import { FunctionNames } from './function-names.ts';
import { GraphCalls } from './graph-calls.ts';
import type { GraphCall } from './graph-calls.ts';
import { GraphColumns } from './graph-columns.ts';
import type { GraphTask } from './graph-task.ts';
import { GraphTasks } from './graph-tasks.ts';
import { GraphText } from './graph-text.ts';

const SPACE = 32;
const HASH = 35;
const STAR = 42;
const SLASH = 47;
const SEMICOLON = 59;
const OPEN_BRACE = 123;
const BAR = 124;
const CLOSE_BRACE = 125;
const NO_CPU = -1;

const SWITCH = /^ *(?<cpu>\d+)\) +(?<from>\S.*?)-(?<fromPid>\d+) +=> +(?<to>\S.*?)-(?<toPid>\d+)\s*$/u;
const INTERRUPT = / (?<arrow>={4,12}>|<={4,12}) \|$/u;
/** Between tasks of a processor, and what follows an exit with funcgraph-overrun. */
const ASIDE = /^(?: *-{10,}| \(Overruns: \d+\)|# .*|#)\s*$/u;
const LOST = /^CPU:(?<cpu>\d+) \[LOST (?:(?<count>\d+) )?EVENTS\]\s*$/u;
/** A line of the tracer has its processor, or its time, and a bar. */
const LOOKS_LIKE_ONE = /^\s*(?:\d+\.\d+ \|\s*)?\d+\) .*\|/u;
/** Columns are off: any program in C has such lines, and only these are believed. */
const BARE = /^(?: {2})*(?:[\w.$]+(?: \[\w+\])?\(\)(?: \{|;)|\}(?: \/\* [\w.$]+ \*\/)?)\s*$/u;

/**
 * function_graph as `trace` prints it, with whatever columns
 * (kernel/trace/trace_functions_graph.c).
 */
export class FunctionGraphImporter implements LineImporter {
  readonly #context: ImportContext;
  readonly #names = new FunctionNames();
  readonly #calls: GraphCalls;
  readonly #tasks: GraphTasks;
  readonly #columns = new GraphColumns();
  readonly #text = new GraphText(this.#names);
  readonly #call: GraphCall = {
    depth: 0,
    functionId: 0,
    ns: Number.NaN,
    line: 0,
    time: Number.NaN,
    timeText: undefined,
    cpu: NO_CPU,
    buffer: undefined,
    result: undefined,
  };

  constructor(context: ImportContext) {
    this.#context = context;
    this.#calls = new GraphCalls(this.#names, context, 'function_graph');
    this.#tasks = new GraphTasks(this.#calls);
  }

  take(line: SourceLine): boolean {
    const { bytes, start } = line;
    let { end } = line;
    while (end > start && (bytes[end - 1] as number) <= SPACE) end -= 1;
    if (end - start < 1) return false;
    const last = bytes[end - 1];
    if (last === OPEN_BRACE || last === SEMICOLON || last === CLOSE_BRACE) {
      this.#columns.read(bytes, start, end);
      return this.#takeCall(line, end);
    }
    if (last === SLASH && bytes[end - 2] === STAR) return this.#takeCommented(line, end);
    return this.#takeOther(line, bytes[start] as number);
  }

  end(): void {
    this.#tasks.closeAll();
  }

  #takeCall(line: SourceLine, end: number): boolean {
    const columns = this.#columns;
    const text = this.#text;
    if (!columns.hasBar && columns.cpu === NO_CPU && !BARE.test(line.text)) return false;
    text.read(line.bytes, columns.textStart, end);
    if (text.kind === 'none') return this.#refuse(line);
    const { task, cpu, time } = columns;
    const runs = task === undefined ? this.#tasks.onCpu(cpu) : this.#tasks.named(task.comm, task.pid, cpu);
    const call = this.#call;
    call.line = line.number;
    call.time = time;
    call.cpu = cpu;
    if (!Number.isNaN(time)) this.#context.sawTime(time);
    this.#follow(runs, line, end);
    return true;
  }

  #follow(task: GraphTask, { bytes }: SourceLine, end: number): void {
    const { kind, depth, functionId, detailsStart } = this.#text;
    const call = this.#call;
    call.depth = depth;
    call.functionId = functionId;
    call.ns = this.#columns.ns;
    call.buffer = undefined;
    call.result = undefined;
    if (detailsStart !== 0 && (task.open.length > 0 || this.#names.hasRole(functionId)))
      Object.assign(call, readCallDetails(bytes.toString('latin1', detailsStart, end)));
    if (kind === 'entry') this.#calls.enter(task, call);
    else if (kind === 'leaf') this.#calls.leaf(task, call);
    else if (kind === 'exit') this.#calls.leave(task, call);
  }

  /** `} /* name *\/`, `name(); /* = 0x0 *\/`, and events between the calls. Bars may be in it. */
  #takeCommented(line: SourceLine, end: number): boolean {
    const { bytes, start } = line;
    let comment = start;
    while (comment < end && !(bytes[comment] === SLASH && bytes[comment + 1] === STAR)) comment += 1;
    this.#columns.read(bytes, start, comment);
    if (!this.#columns.hasBar && this.#columns.cpu === NO_CPU && !BARE.test(line.text)) return false;
    return this.#takeCall(line, end);
  }

  #takeOther(line: SourceLine, first: number): boolean {
    const { text } = line;
    if (first === HASH || first === SPACE || text.startsWith('CPU:')) {
      const lost = LOST.exec(text)?.groups;
      if (lost !== undefined) return this.#lose(Number(lost['cpu']), Number(lost['count'] ?? 0));
      if (ASIDE.test(text) && !/<stack trace>/u.test(text)) return /^ *-|Overruns|function_graph/u.test(text);
      const switched = SWITCH.exec(text)?.groups;
      if (switched !== undefined) return this.#switch(switched);
    }
    if (line.bytes[line.start] === undefined || !text.includes('|')) return false;
    const interrupt = INTERRUPT.exec(text.trimEnd())?.groups?.['arrow'];
    if (interrupt !== undefined) return this.#interrupt(line, interrupt.startsWith('='));
    return this.#refuse(line);
  }

  #lose(cpu: number, count: number): boolean {
    this.#context.countLost(count);
    this.#tasks.lose(cpu);
    // Other forms of the same trace lost them as well.
    return true;
  }

  #switch(groups: Readonly<Record<string, string>>): boolean {
    const { cpu, from = '', fromPid, to = '', toPid } = groups;
    this.#tasks.switched(Number(cpu), { comm: from, pid: Number(fromPid) }, { comm: to, pid: Number(toPid) });
    return true;
  }

  #interrupt(line: SourceLine, begins: boolean): boolean {
    let bar = line.end - 1;
    while (bar > line.start && line.bytes[bar] !== BAR) bar -= 1;
    this.#columns.read(line.bytes, line.start, bar + 1);
    const { cpu, task } = this.#columns;
    const runs = task === undefined ? this.#tasks.onCpu(cpu) : this.#tasks.named(task.comm, task.pid, cpu);
    runs.isInInterrupt = begins;
    if (begins) for (const open of runs.open) open.marks.add('interrupted');
    return true;
  }

  /** A line that is nearly one counts; what is none is for others. */
  #refuse(line: SourceLine): boolean {
    if (!LOOKS_LIKE_ONE.test(line.text)) return false;
    this.#context.countUnreadable(line.number);
    return true;
  }
}
