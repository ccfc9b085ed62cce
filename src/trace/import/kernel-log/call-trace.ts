import { findCallPath } from '../../call-path.ts';
import { roleOf } from '../../map-functions.ts';
import type { MappingEvent, MappingMark, TraceModule, TraceTask } from '../../mapping-event.ts';
import type { StackFrame } from '../../stack-frame.ts';
import type { ImportContext } from '../import-context.ts';
import type { FrameText } from './frame-text.ts';
import type { LogLine } from './log-line.ts';

/** The longest that a kernel prints are of 64 frames (arch/x86) to some hundreds. */
const FRAMES_MAX = 1024;

/** Where a stack begins: interrupts, system calls, threads, the boot. */
const OUTERMOST =
  /^(?:ret_from_\w+|kthread|entry_\w+|el[01]\w*|ret_fast_syscall|vector_swi|\w*secondary_start\w*|start_kernel|__primary_switched|x86_64_start_\w+|cpu_startup_entry|common_startup_64|system_call\w*|handle_exception|asm_\w+)$/u;

/** A frame, and where the log has it. */
interface PlacedFrame {
  readonly frame: StackFrame;
  readonly line: number;
  readonly log: LogLine;
}

/** What a report says of itself before its call trace. */
export interface TraceHeading {
  readonly cpu?: number;
  readonly task?: TraceTask;
}

/** One call trace of a log, as it is read. */
export class CallTrace {
  readonly heading: TraceHeading;
  /** Lines of other traces may be among its own, and nothing tells which. */
  readonly isAmbiguous: boolean;
  readonly hasHeader: boolean;
  #frames: PlacedFrame[] = [];
  /**
   * 32-bit Arm names the caller in each line: the next line's function, or, at the end, one more.
   */
  #expected: PlacedFrame | undefined;
  #wasInterrupted = false;
  #isCut = false;
  lastTime: number | undefined;

  constructor(heading: TraceHeading, { hasHeader, isAmbiguous }: { hasHeader: boolean; isAmbiguous: boolean }) {
    this.heading = heading;
    this.hasHeader = hasHeader;
    this.isAmbiguous = isAmbiguous;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0 && this.#expected === undefined;
  }

  /** Whether its last frame is one that stacks begin with: then nothing more of it comes. */
  get isComplete(): boolean {
    const last = this.#expected ?? this.#frames.at(-1);
    return last !== undefined && OUTERMOST.test(last.frame.name);
  }

  add({ frame, caller }: FrameText, line: number, log: LogLine): void {
    if (this.#expected !== undefined && this.#expected.frame.name !== frame.name) this.#place(this.#expected);
    this.#place({ frame, line, log });
    this.#expected = caller === undefined ? undefined : { frame: caller, line, log };
    this.lastTime = log.time ?? this.lastTime;
  }

  /** An interrupt's part of the stack ends: what follows was interrupted by it. */
  endSection(context: ImportContext): void {
    this.#giveSection(context);
    this.#wasInterrupted = true;
  }

  cut(): void {
    this.#isCut = true;
  }

  end(context: ImportContext, outOfTree: ReadonlySet<string>): void {
    this.#giveSection(context, outOfTree);
  }

  #place(placed: PlacedFrame): void {
    if (this.#frames.length < FRAMES_MAX) this.#frames.push(placed);
  }

  #giveSection(context: ImportContext, outOfTree?: ReadonlySet<string>): void {
    if (this.#expected !== undefined) this.#place(this.#expected);
    this.#expected = undefined;
    const placed = this.#frames;
    this.#frames = [];
    if (this.isAmbiguous) this.#giveAlone(context, placed);
    else this.#giveJoined(context, placed, outOfTree);
  }

  #giveJoined(context: ImportContext, placed: readonly PlacedFrame[], outOfTree?: ReadonlySet<string>): void {
    const found = findCallPath(placed.map(({ frame }) => frame));
    const origin = placed[found?.index ?? -1];
    if (found === undefined || origin === undefined) return;
    const marks: MappingMark[] = [
      ...(this.#isCut ? (['cut'] as const) : []),
      ...(this.#wasInterrupted ? (['interrupted'] as const) : []),
    ];
    const { modules, ...fields } = found.fields;
    const event = {
      ...this.#originOf(origin),
      ...fields,
      ...(modules === undefined ? {} : { modules: modules.map((module) => withOrigin(module, outOfTree)) }),
    };
    if (found.kind === 'unmapping') context.emitUnmapping('kernel-log', { kind: 'unmapping', ...event });
    else context.emitMapping('kernel-log', { kind: 'mapping', ...event, ...(marks.length === 0 ? {} : { marks }) });
  }

  /** Frames of several stacks: which function called which is not known. */
  #giveAlone(context: ImportContext, placed: readonly PlacedFrame[]): void {
    const reliable = placed.filter(({ frame }) => frame.isUnreliable !== true);
    for (const wanted of ['locked', 'unlocked', 'exporter'] as const) {
      const ones = reliable.filter(({ frame }) => roleOf(frame.name) === wanted);
      for (const one of ones) {
        const event = { ...this.#originOf(one, false), path: [one.frame.name] };
        context.emitMapping('kernel-log', { kind: 'mapping', ...event, marks: ['interleaved'] });
      }
      if (ones.length > 0) return;
    }
  }

  #originOf({ line, log }: PlacedFrame, withHeading = true): Omit<MappingEvent, 'kind' | 'form' | 'path'> {
    const { time, timeText } = log;
    const heading = withHeading ? this.heading : {};
    const cpu = log.cpu ?? heading.cpu;
    const pid = log.pid ?? heading.task?.pid;
    const comm = log.comm ?? (pid === heading.task?.pid ? heading.task?.comm : undefined);
    const task = { ...(comm === undefined ? {} : { comm }), ...(pid === undefined ? {} : { pid }) };
    return {
      line,
      ...(time === undefined ? {} : { time }),
      ...(timeText === undefined ? {} : { timeText }),
      ...(cpu === undefined ? {} : { cpu }),
      ...(Object.keys(task).length === 0 ? {} : { task }),
    };
  }
}

function withOrigin(module: TraceModule, outOfTree: ReadonlySet<string> | undefined): TraceModule {
  return outOfTree?.has(module.name) === true ? { ...module, isOutOfTree: true } : module;
}
