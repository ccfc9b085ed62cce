import { roleOf } from '../../map-functions.ts';
import type { MapRole } from '../../map-functions.ts';
import type { MappingMark, MappingPart, TraceForm } from '../../mapping-event.ts';
import type { StackFrame } from '../../stack-frame.ts';
import { nanosecondsBetween } from './event-line.ts';
import type { EventLine } from './event-line.ts';
import type { EventFields } from './event-text.ts';

/** As many probes as one mapping is likely to meet, many times over. */
const PARTS_MAX = 10_000;

/** What is called, as an event tells. */
export interface ProbedCall {
  readonly form: TraceForm;
  readonly line: number;
  readonly event: EventLine;
  readonly name: string;
  readonly caller?: string | undefined;
  readonly fields: EventFields;
}

interface TimedPart {
  readonly name: string;
  /** Its caller is known, and is this mapping or one of its parts. */
  readonly isCalled: boolean;
  readonly from: EventLine;
  to: EventLine | undefined;
}

/** A call of a map function that an event told of; more events may tell more of it. */
export class PendingMapping {
  readonly form: TraceForm;
  readonly role: MapRole;
  readonly line: number;
  readonly event: EventLine;
  readonly marks = new Set<MappingMark>();
  /** Innermost first, from the function itself on; the probe's stack once it was read. */
  frames: readonly StackFrame[];
  hasStack = false;
  fields: EventFields;
  durationNs: number | undefined;
  /** When `dma_buf_vmap_unlocked` began, which takes the buffer's lock and calls this. */
  lockFrom: EventLine | undefined;
  readonly #parts: TimedPart[] = [];

  constructor({ form, line, event, name, fields }: ProbedCall) {
    this.form = form;
    this.role = roleOf(name);
    this.line = line;
    this.event = event;
    this.frames = [{ name }];
    this.fields = fields;
  }

  get isUnmap(): boolean {
    return this.role === 'unmap' || this.role === 'exporter-unmap';
  }

  get name(): string {
    return this.frames[0]?.name ?? '';
  }

  addCaller(name: string | undefined): void {
    const last = this.frames.at(-1);
    if (name === undefined || this.hasStack || this.frames.length > 1 || last?.name === name) return;
    if (!/^0x|^[0-9a-f]{8,16}$/u.test(name)) this.frames = [...this.frames, { name }];
  }

  enter(name: string, caller: string | undefined, from: EventLine): void {
    const isCalled = caller !== undefined && (caller === this.name || this.#parts.some((part) => part.name === caller));
    if (this.#parts.length < PARTS_MAX) this.#parts.push({ name, isCalled, from, to: undefined });
    else this.marks.add('parts-cut');
  }

  leave(name: string, to: EventLine): void {
    const part = this.#parts.findLast((candidate) => candidate.name === name && candidate.to === undefined);
    if (part !== undefined) part.to = to;
  }

  /** Whether the next call of an exporter may be this one's: each mapping makes one. */
  takesExporter(): boolean {
    const isCore = this.role === 'locked' || this.role === 'unlocked' || this.role === 'unmap';
    return isCore && !this.#parts.some(({ name }) => roleOf(name) !== 'none');
  }

  /**
   * Those whose returns are known. What a part is called by is told by what it lies within: of a
   * function without a return nobody knows where it ends.
   */
  parts(): MappingPart[] {
    const open: { until: number }[] = [];
    const inside = this.#parts.flatMap(({ name, from, to }) => {
      if (to?.time === undefined || from.time === undefined) return [];
      const start = from.time;
      while ((open.at(-1)?.until ?? Number.POSITIVE_INFINITY) <= start) open.pop();
      open.push({ until: to.time });
      return [{ name, depth: open.length, ns: nanosecondsBetween(from, to) }];
    });
    return [...this.#lockWait(), ...inside];
  }

  /**
   * From the entry of the unlocked form to that of the locked one (drivers/dma-buf/dma-buf.c,
   * dma_buf_vmap_unlocked), by the name that it has in function_graph. Where events were lost, only
   * the stack tells whether the two belong together.
   */
  #lockWait(): MappingPart[] {
    if (this.lockFrom === undefined || this.durationNs === undefined) return [];
    if (this.frames[1]?.name !== `${this.name}_unlocked`) return [];
    const ns = nanosecondsBetween(this.lockFrom, this.event);
    return Number.isNaN(ns) ? [] : [{ name: 'ww_mutex_lock', depth: 0, ns }];
  }

  /** Functions that were called inside it, where there are no returns: the last one first. */
  insideNames(): string[] {
    return this.#parts
      .filter(({ isCalled }) => isCalled)
      .map(({ name }) => name)
      .toReversed();
  }
}
