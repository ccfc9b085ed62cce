import { roleOf } from '../../map-functions.ts';
import { nanosecondsBetween } from './event-line.ts';
import { PendingMapping } from './pending-mapping.ts';
import type { ProbedCall } from './pending-mapping.ts';

/** Mappings within mappings: an exporter that imports; more are ends that were lost. */
const NESTED_MAX = 8;
/** Functions of one task that tell a driver. */
const DRIVERS_MAX = 32;

/** The map functions that a task is in, as events tell. */
export class EventTask {
  readonly #give: (pending: PendingMapping) => void;
  /** Outermost first. */
  readonly #pending: PendingMapping[] = [];
  /** By the function that told it last. */
  readonly #drivers = new Map<string, string>();

  constructor(give: (pending: PendingMapping) => void) {
    this.#give = give;
  }

  get current(): PendingMapping | undefined {
    return this.#pending.at(-1);
  }

  /**
   * @param hasReturns whether the trace has returns, so that calls can be told to lie within each
   *   other
   * @returns the mapping that began, or that the call is a part of
   */
  call(call: ProbedCall, hasReturns: boolean): PendingMapping | undefined {
    if (call.event.isPreempted === true) this.preempt();
    const role = roleOf(call.name);
    const around = this.current;
    if (call.fields.driver !== undefined) this.#noteDriver(call.name, call.fields.driver);
    if (role === 'none') {
      around?.enter(call.name, call.caller, call.event);
      return around;
    }
    const isUnmap = role === 'unmap' || role === 'exporter-unmap';
    const isExporters = role === 'exporter' || role === 'exporter-unmap';
    const isWithin = around !== undefined && around.isUnmap === isUnmap && isCalledBy(call, around);
    if (isWithin && isExporters && (hasReturns || around.takesExporter())) {
      around.enter(call.name, call.caller, call.event);
      return around;
    }
    const pending = new PendingMapping(call);
    if (call.event.isPreempted === true) pending.marks.add('preempted');
    if (isWithin && around.name === `${call.name}_unlocked`) {
      this.#pending.pop();
      pending.frames = [...pending.frames, ...around.frames];
      // Where another task wants the processor, it gets it first: that is no wait for the lock.
      if (around.event.isPreempted !== true) pending.lockFrom = around.event;
    } else {
      pending.addCaller(call.caller);
      if (!hasReturns || this.#pending.length >= NESTED_MAX) this.end();
    }
    this.#pending.push(pending);
    return pending;
  }

  /** @returns whether it was one of ours that ended */
  return({ name, caller, event, fields }: ProbedCall): boolean {
    if (event.isPreempted === true) this.preempt();
    if (roleOf(name) === 'none') {
      this.current?.leave(name, event);
      return false;
    }
    const at = this.#pending.findLastIndex((pending) => pending.name === name);
    if (at === -1) {
      this.current?.leave(name, event);
      return false;
    }
    for (const lost of this.#pending.splice(at + 1).toReversed()) this.#giveLost(lost);
    const pending = this.#pending.pop();
    if (pending === undefined) return false;
    pending.addCaller(caller);
    pending.durationNs = nanosecondsBetween(pending.event, event);
    if (event.cpu !== pending.event.cpu) pending.marks.add('moved');
    pending.fields = { ...fields, ...pending.fields };
    this.#give(pending);
    return true;
  }

  /** The driver of the nearest caller that told one. */
  driverOf(path: readonly string[]): string | undefined {
    const teller = path.find((name) => this.#drivers.has(name));
    return teller === undefined ? undefined : this.#drivers.get(teller);
  }

  #noteDriver(name: string, driver: string): void {
    if (this.#drivers.size < DRIVERS_MAX || this.#drivers.has(name)) this.#drivers.set(name, driver);
  }

  preempt(): void {
    for (const pending of this.#pending) pending.marks.add('preempted');
  }

  end(): void {
    for (const pending of this.#pending.splice(0).toReversed()) this.#give(pending);
  }

  #giveLost(pending: PendingMapping): void {
    pending.marks.add('exit-lost');
    this.#give(pending);
  }
}

/** Where the call names its caller, that must be the one around it. */
function isCalledBy({ caller, name }: ProbedCall, around: PendingMapping): boolean {
  if (caller === undefined) return true;
  if (caller === around.name) return true;
  // The exporter's function may be called from inside one that is not traced.
  const role = roleOf(name);
  return (role === 'exporter' || role === 'exporter-unmap') && roleOf(caller) === 'none';
}
