import type { EventLine } from '../ftrace/event-line.ts';
import type { ImportContext } from '../import-context.ts';
import { readCallDetails } from './call-details.ts';
import { FunctionNames } from './function-names.ts';
import { GraphCalls } from './graph-calls.ts';
import type { GraphCall } from './graph-calls.ts';
import { GraphTasks } from './graph-tasks.ts';
import { GraphText } from './graph-text.ts';

/** `funcgraph_entry: ! 12.1 us   |  vmap();`: what stands behind the colon. */
const GRAPH = /^[ +!#*@$]{0,32}(?:(?<us>\d{1,12}(?:\.\d{1,3})?) us)?\s{0,32}\|(?: {2})?(?<call>.*)$/u;

/** function_graph as events: of `trace-cmd report`, and systrace's `graph_ent` and `graph_ret`. */
export class EventGraph {
  readonly #context: ImportContext;
  readonly #names = new FunctionNames();
  readonly #calls: GraphCalls;
  readonly #tasks: GraphTasks;
  readonly #text = new GraphText(this.#names);
  /** When flat calls began, by task: their depth is how many are open. */
  readonly #flatStarts = new Map<number, number[]>();

  constructor(context: ImportContext) {
    this.#context = context;
    this.#calls = new GraphCalls(this.#names, context, 'trace-cmd');
    this.#tasks = new GraphTasks(this.#calls);
  }

  take(event: EventLine, text: string, line: number): void {
    const { us, call } = GRAPH.exec(text.trimEnd())?.groups ?? {};
    const bytes = Buffer.from(call ?? '');
    this.#text.read(bytes, 0, bytes.length);
    const { kind, depth, functionId, detailsStart } = this.#text;
    if (kind === 'none') {
      this.#context.countUnreadable(line);
      return;
    }
    const task = this.#tasks.named(event.comm, event.pid, event.cpu);
    const ns = us === undefined ? Number.NaN : Math.round(Number(us) * 1000);
    const details = detailsStart === 0 ? undefined : readCallDetails(bytes.toString('latin1', detailsStart));
    const graphCall = { ...callOf(event, line), depth, functionId, ns, ...details };
    if (kind === 'entry') this.#calls.enter(task, graphCall);
    else if (kind === 'leaf') this.#calls.leaf(task, graphCall);
    else if (kind === 'exit') this.#calls.leave(task, graphCall);
  }

  /** Calls and returns without depth or duration: both come from where they lie. */
  takeFlat(event: EventLine, line: number, { name, isCall }: { name: string; isCall: boolean }): void {
    const task = this.#tasks.named(event.comm, event.pid, event.cpu);
    const starts = this.#flatStarts.get(event.pid) ?? [];
    this.#flatStarts.set(event.pid, starts);
    const call = { ...callOf(event, line), functionId: this.#names.idOfText(name) };
    if (isCall) {
      this.#calls.enter(task, { ...call, depth: starts.length });
      starts.push(event.time ?? Number.NaN);
      return;
    }
    const from = starts.pop();
    if (from === undefined) return;
    const ns = Math.round(((event.time ?? Number.NaN) - from) * 1e6) * 1000;
    this.#calls.leave(task, { ...call, depth: starts.length, ns });
    if (starts.length === 0) this.#flatStarts.delete(event.pid);
  }

  lose(cpu: number): void {
    this.#tasks.lose(cpu);
  }

  end(): void {
    this.#tasks.closeAll();
  }
}

function callOf({ time, timeText, cpu }: EventLine, line: number): GraphCall {
  return {
    depth: 0,
    functionId: 0,
    ns: Number.NaN,
    line,
    time: time ?? Number.NaN,
    timeText,
    cpu,
    buffer: undefined,
    result: undefined,
  };
}
