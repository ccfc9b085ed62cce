import { findCallPath, withoutProbeFrames } from '../../call-path.ts';
import { roleOf } from '../../map-functions.ts';
import type { MappingEvent, TraceForm } from '../../mapping-event.ts';
import type { StackFrame } from '../../stack-frame.ts';
import type { ImportContext } from '../import-context.ts';
import type { EventLine } from './event-line.ts';
import { EventTask } from './event-task.ts';
import type { EventFields } from './event-text.ts';
import type { PendingMapping, ProbedCall } from './pending-mapping.ts';

/** Tasks that map at the same time, generously. */
const TASKS_MAX = 8192;
/** PERF_MAX_STACK_DEPTH is 127; the longest that a kernel prints. */
const FRAMES_MAX = 512;

/** Whose stack comes next. */
interface StackOwner {
  readonly form: TraceForm;
  readonly event: EventLine;
  readonly line: number;
  /** The mapping that the event began or is a part of. */
  readonly pending: PendingMapping | undefined;
  /** The event told of a mapping, and has no stack yet. */
  readonly isOfMapping: boolean;
  readonly isReturn: boolean;
  readonly fields: EventFields;
}

/** A call or a return of a function, as an event tells. */
type ProbedEvent = ProbedCall & { readonly kind: 'call' | 'return' };

/**
 * Joins what events of probes tell: calls, their returns, and the stacks that follow them. The
 * form of the text is no concern of it.
 */
export class ProbeEvents {
  readonly #context: ImportContext;
  readonly #tasks = new Map<number, EventTask>();
  #hasReturns = false;
  #hasLockedForm = false;
  #owner: StackOwner | undefined;
  #frames: StackFrame[] | undefined;

  constructor(context: ImportContext) {
    this.#context = context;
  }

  get isInStack(): boolean {
    return this.#frames !== undefined;
  }

  call({ kind, ...call }: ProbedEvent): void {
    this.closeStack();
    const { event, line, name, form, fields } = call;
    if (kind === 'return') {
      if (roleOf(name) !== 'none') this.#hasReturns = true;
      this.#tasks.get(event.pid)?.return(call);
      this.#owner = { form, event, line, pending: undefined, isOfMapping: false, isReturn: true, fields };
      return;
    }
    if (roleOf(name) === 'locked') this.#hasLockedForm = true;
    const known = this.#tasks.get(event.pid);
    const isNew = roleOf(name) !== 'none' || fields.driver !== undefined;
    const task = known ?? (isNew ? this.#addTask(event.pid) : undefined);
    const pending = task?.call(call, this.#hasReturns);
    const isOfMapping = pending !== undefined && pending.event === event;
    this.#owner = { form, event, line, pending, isOfMapping, isReturn: false, fields };
  }

  /** An event that is no call; its stack may tell of a mapping all the same. */
  other({ form, event, line, fields }: Omit<ProbedCall, 'name' | 'caller'>): void {
    this.closeStack();
    const pending = this.#tasks.get(event.pid)?.current;
    this.#owner = { form, event, line, pending, isOfMapping: false, isReturn: false, fields };
  }

  preempt(pid: number): void {
    this.#tasks.get(pid)?.preempt();
  }

  /**
   * Frames follow: those of the kernel, or of a program, which tell nothing.
   *
   * @param pid of the task whose stack it is, where the form tells: an event of another processor
   *   may lie between an event and its stack
   */
  beginStack(of: 'kernel' | 'program', pid?: number): void {
    this.closeStack();
    if (of === 'program') this.#owner = undefined;
    else if (pid !== undefined && this.#owner?.event.pid !== pid) this.#owner = this.#waitingIn(pid);
    this.#frames = [];
  }

  /** The mapping in which a task is, if its stack did not come yet. */
  #waitingIn(pid: number): StackOwner | undefined {
    const pending = this.#tasks.get(pid)?.current;
    if (pending === undefined || pending.hasStack) return undefined;
    const { form, event, line, fields } = pending;
    return { form, event, line, pending, isOfMapping: true, isReturn: false, fields };
  }

  addFrame(frame: StackFrame): void {
    if (this.#frames !== undefined && this.#frames.length < FRAMES_MAX) this.#frames.push(frame);
  }

  #addTask(pid: number): EventTask {
    const task = new EventTask((pending) => this.#give(pending));
    this.#tasks.set(pid, task);
    if (this.#tasks.size > TASKS_MAX) {
      const [oldest] = this.#tasks;
      oldest?.[1].end();
      if (oldest !== undefined) this.#tasks.delete(oldest[0]);
    }
    return task;
  }

  /** The frames are complete: of an event of a mapping, they are its path; of another, a sample. */
  closeStack(): void {
    const frames = this.#frames;
    const owner = this.#owner;
    this.#frames = undefined;
    if (frames === undefined || owner === undefined || frames.length === 0) return;
    const { pending, isOfMapping, isReturn } = owner;
    if (isReturn) return;
    if (pending !== undefined) {
      if (isOfMapping && !pending.hasStack) this.#useStack(pending, frames);
      return;
    }
    this.#owner = { ...owner, isReturn: true };
    this.#giveStack(owner, frames);
  }

  #useStack(pending: PendingMapping, stack: readonly StackFrame[]): void {
    const frames = withoutProbeFrames(stack);
    const at = frames.findIndex(({ name }) => name === pending.name);
    if (at === -1) return;
    pending.frames = frames.slice(at);
    pending.hasStack = true;
  }

  /** An event that no mapping was known around: its stack alone tells. */
  #giveStack({ form, event, line, fields }: StackOwner, stack: readonly StackFrame[]): void {
    const frames = withoutProbeFrames(stack);
    const found = findCallPath(frames);
    if (found === undefined) return;
    const { result: _, comm, ...known } = fields;
    const isSample = found.index !== 0;
    const base = { line, ...originOf(event, comm), ...found.fields };
    if (found.kind === 'unmapping') {
      if (!isSample) this.#context.emitUnmapping(form, { kind: 'unmapping', ...base });
      return;
    }
    this.#context.emitMapping(form, {
      kind: 'mapping',
      ...base,
      ...(isSample ? { marks: ['sample'] as const } : known),
    });
  }

  /** It waits for the lock still, or what it called was lost: no mapping that is known. */
  #isWaiting({ role, durationNs }: PendingMapping): boolean {
    return role === 'unlocked' && durationNs === undefined && this.#hasReturns && this.#hasLockedForm;
  }

  #give(pending: PendingMapping): void {
    if (this.#isWaiting(pending)) return;
    const found = findCallPath(pending.frames);
    if (found === undefined) return;
    const { form, line, event, fields, marks } = pending;
    const base = { line, ...originOf(event, fields.comm), ...found.fields };
    const { sizeBytes, exporter, buffer, result } = fields;
    const duration = this.#durationOf(pending);
    if (pending.isUnmap) {
      this.#context.emitUnmapping(form, {
        kind: 'unmapping',
        ...base,
        ...(buffer === undefined ? {} : { buffer }),
        ...duration,
      });
      return;
    }
    const parts = pending.parts();
    const inside = pending.insideNames();
    const driver = this.#tasks.get(event.pid)?.driverOf(found.fields.path);
    this.#context.emitMapping(form, {
      kind: 'mapping',
      ...base,
      ...(parts.length > 0 || inside.length === 0 ? {} : { inside }),
      ...(driver === undefined ? {} : { driver }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(exporter === undefined ? {} : { exporter }),
      ...(buffer === undefined ? {} : { buffer }),
      ...duration,
      ...(parts.length === 0 ? {} : { parts }),
      ...(result === undefined ? {} : { result }),
      ...(marks.size === 0 ? {} : { marks: [...marks].toSorted() }),
    });
  }

  #durationOf({ durationNs }: PendingMapping): Pick<MappingEvent, 'durationNs'> {
    if (durationNs !== undefined) return { durationNs: Number.isNaN(durationNs) ? null : durationNs };
    return this.#hasReturns ? { durationNs: null } : {};
  }

  end(): void {
    this.closeStack();
    for (const task of this.#tasks.values()) task.end();
    this.#tasks.clear();
  }
}

/** What ftrace prints for a task whose name it did not note (kernel/trace/trace_sched_switch.c). */
const NO_COMM = '<...>';

/** @param told the task's name, where a field has it */
function originOf(
  { comm: printed, pid, cpu, time, timeText }: EventLine,
  told?: string,
): Pick<MappingEvent, 'cpu' | 'task' | 'time' | 'timeText'> {
  const comm = told ?? (printed === NO_COMM ? undefined : printed);
  return {
    ...(time === undefined ? {} : { time }),
    ...(timeText === undefined ? {} : { timeText }),
    ...(cpu === -1 ? {} : { cpu }),
    task: { ...(comm === undefined ? {} : { comm }), pid },
  };
}
