import type { MappingEvent, MappingPart, TraceForm, TraceTask } from '../../mapping-event.ts';
import type { ImportContext } from '../import-context.ts';
import type { FunctionNames } from './function-names.ts';
import { GRAPH_DEPTH_MAX } from './graph-task.ts';
import type { GraphTask } from './graph-task.ts';
import { OpenMapping } from './open-mapping.ts';
import { PartList } from './part-list.ts';

/** What a line of function_graph says. One object may serve for all lines. */
export interface GraphCall {
  /** How many functions are around it. */
  depth: number;
  /** 0 for an exit that does not name its function. */
  functionId: number;
  /** NaN where the line has no duration. */
  ns: number;
  line: number;
  /** Seconds; NaN where the line has none. */
  time: number;
  timeText: string | undefined;
  /** -1 where it is not known. */
  cpu: number;
  /** What a call was given and gave, where the trace has it (funcgraph-args, funcgraph-retval). */
  buffer: string | undefined;
  result: number | undefined;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Follows entries and exits of functions, and gives each mapping when it ends. */
export class GraphCalls {
  readonly #names: FunctionNames;
  readonly #context: ImportContext;
  readonly #form: TraceForm;
  readonly #freeLists: PartList[] = [];

  constructor(names: FunctionNames, context: ImportContext, form: TraceForm) {
    this.#names = names;
    this.#context = context;
    this.#form = form;
  }

  enter(task: GraphTask, call: GraphCall): void {
    const { depth, functionId } = call;
    if (depth >= GRAPH_DEPTH_MAX) return;
    for (let missing = task.depth; missing < depth; missing += 1) task.ids[missing] = 0;
    task.ids[depth] = functionId;
    task.depth = depth + 1;
    if (task.open.length > 0) this.#addPart(task, call, Number.NaN);
    if (this.#names.hasRole(functionId)) this.#open(task, call);
  }

  /** A function that calls none of those that are traced: its entry and its exit are one line. */
  leaf(task: GraphTask, call: GraphCall): void {
    if (!this.#names.hasRole(call.functionId)) {
      if (task.open.length > 0) this.#addPart(task, call, call.ns);
      return;
    }
    this.enter(task, call);
    this.leave(task, call);
  }

  leave(task: GraphTask, call: GraphCall): void {
    const { depth, functionId } = call;
    if (depth >= GRAPH_DEPTH_MAX) return;
    const isOpen = task.open.length > 0;
    if (isOpen) this.#leaveOpen(task, call);
    else if (functionId !== 0 && depth >= task.depth && this.#names.hasRole(functionId))
      this.#giveWithoutEntry(task, call);
    if (depth < task.depth) task.depth = depth;
  }

  /** The source lost events of this task: nothing that is open can be trusted to end. */
  lose(task: GraphTask): void {
    for (const open of task.open) open.marks.add('lost-events');
    this.closeAll(task);
    task.depth = 0;
  }

  /** The text ends. */
  closeAll(task: GraphTask): void {
    for (const open of task.open.splice(0).toReversed()) {
      if (open.marks.size === 0) open.marks.add('cut');
      this.#give(task, open, Number.NaN);
    }
  }

  #addPart(task: GraphTask, { depth, functionId }: GraphCall, ns: number): void {
    this.#closeDeeper(task, depth);
    if (task.isInInterrupt) return;
    for (const open of task.open) open.enter(depth, functionId, ns);
  }

  /** Those whose exits are missing, as a function at their depth, or around them, goes on. */
  #closeDeeper(task: GraphTask, depth: number): void {
    for (let last = task.open.at(-1); last !== undefined && last.start.depth >= depth; last = task.open.at(-1)) {
      task.open.pop();
      last.marks.add('exit-lost');
      this.#give(task, last, Number.NaN);
    }
  }

  #open(task: GraphTask, call: GraphCall): void {
    const { depth, functionId } = call;
    const { role } = this.#names.get(functionId);
    const isUnmap = role === 'unmap' || role === 'exporter-unmap';
    const around = task.open.at(-1);
    let lockWait: MappingPart | undefined;
    if (around !== undefined && around.start.isUnmap === isUnmap) {
      if (role === 'exporter' || role === 'exporter-unmap') return;
      // The unlocked form only takes the lock around the locked one: one mapping, not two.
      if (this.#isUnlockedForm(around, depth)) {
        lockWait = around.parts.lockWait(this.#names);
        this.#freeList(task.open.pop());
      }
    }
    const callerIds = task.ids.slice(0, depth).toReversed();
    const open = new OpenMapping({ ...call, isUnmap, callerIds }, this.#takeList());
    open.lockWait = lockWait;
    task.open.push(open);
  }

  #isUnlockedForm({ start }: OpenMapping, depth: number): boolean {
    return start.depth === depth - 1 && this.#names.get(start.functionId).name.endsWith('_unlocked');
  }

  #leaveOpen(task: GraphTask, { depth, ns, cpu, result }: GraphCall): void {
    this.#closeDeeper(task, depth + 1);
    const last = task.open.at(-1);
    if (last === undefined) return;
    if (last.start.depth === depth) {
      task.open.pop();
      task.isInInterrupt = false;
      if (cpu !== last.start.cpu) last.marks.add('moved');
      last.result = result;
      this.#give(task, last, ns);
    }
    if (!task.isInInterrupt) for (const open of task.open) open.leave(depth, ns);
  }

  #giveWithoutEntry(task: GraphTask, call: GraphCall): void {
    const { role } = this.#names.get(call.functionId);
    const isUnmap = role === 'unmap' || role === 'exporter-unmap';
    const callerIds = task.ids.slice(0, Math.min(task.depth, call.depth)).toReversed();
    // The time of the line is that of its end.
    const open = new OpenMapping(
      { ...call, isUnmap, callerIds, time: Number.NaN, timeText: undefined },
      this.#takeList(),
    );
    open.marks.add('entry-lost');
    open.result = call.result;
    this.#give(task, open, call.ns);
  }

  #takeList(): PartList {
    return this.#freeLists.pop() ?? new PartList();
  }

  #freeList(open: OpenMapping | undefined): void {
    if (open === undefined) return;
    open.parts.clear();
    this.#freeLists.push(open.parts);
  }

  #give(task: GraphTask, open: OpenMapping, ns: number): void {
    this.#emit(task, open, ns);
    this.#freeList(open);
  }

  /** Assignments, not spreads: each of these would make another shape of object. */
  #emit(task: GraphTask, open: OpenMapping, ns: number): void {
    const { start, marks, result } = open;
    const { line, time, timeText, cpu, buffer } = start;
    const known = [start.functionId, ...start.callerIds].filter((id) => id !== 0);
    const event: Mutable<MappingEvent> = { kind: 'mapping', form: this.#form, line, path: [] };
    if (!Number.isNaN(time)) event.time = time;
    if (timeText !== undefined) event.timeText = timeText;
    if (cpu !== -1) event.cpu = cpu;
    if (task.comm !== undefined || task.pid !== undefined) event.task = taskOf(task);
    event.path = known.map((id) => this.#names.get(id).name);
    if (!start.isUnmap && this.#names.hasModules)
      Object.assign(event, this.#modulesOf([...open.parts.functionIds(), ...known]));
    if (buffer !== undefined) event.buffer = buffer;
    event.durationNs = Number.isNaN(ns) ? null : ns;
    if (start.isUnmap) {
      this.#context.emitUnmapping(this.#form, { ...event, kind: 'unmapping' });
      return;
    }
    const parts = open.parts.toParts(this.#names);
    if (open.lockWait !== undefined) parts.unshift(open.lockWait);
    if (parts.length > 0) event.parts = parts;
    if (result !== undefined) event.result = result;
    if (marks.size > 0) event.marks = [...marks].toSorted();
    this.#context.emitMapping(this.#form, event);
  }

  #modulesOf(ids: readonly number[]): Pick<MappingEvent, 'modules'> {
    const modules = new Map<string, Set<string>>();
    for (const id of ids) {
      const { name, module } = this.#names.get(id);
      if (module === undefined) continue;
      const functions = modules.get(module) ?? new Set();
      modules.set(module, functions.add(name));
    }
    if (modules.size === 0) return {};
    return { modules: [...modules].map(([name, functions]) => ({ name, functions: [...functions] })) };
  }
}

function taskOf({ comm, pid }: GraphTask): TraceTask {
  return { ...(comm === undefined ? {} : { comm }), ...(pid === undefined ? {} : { pid }) };
}
