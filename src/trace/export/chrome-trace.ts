import { waitBeforeNs } from '../analysis/part-times.ts';
import type { MappingEvent, MappingPart } from '../mapping-event.ts';

/** Processes of the viewer: pids of tasks, and this for what names no task. */
const NO_TASK = 0;
const US = 1e6;
/**
 * Times are multiples of this. speedscope subtracts the first time and adds durations: of other
 * fractions, a part would end a little after the next one begins.
 */
const STEP_US = 2 ** -10;

/**
 * Chrome's trace JSON (Perfetto and speedscope open it), a line an event, so that `readTrace` reads
 * it back. Each mapping has all that is known of it in `args`. One without a time stands behind the
 * one before; where in a mapping a part began is not known: parts stand one behind the other.
 */
export class ChromeTrace {
  readonly first = '{"traceEvents":[';
  readonly last = '],"displayTimeUnit":"ns"}';
  readonly #named = new Set<number>();
  #nextUs = 0;
  #separator = '';

  add(event: MappingEvent): string[] {
    const pid = event.task?.pid ?? NO_TASK;
    const waitUs = waitBeforeNs(event.parts ?? []) / 1000;
    const atUs = event.time === undefined ? this.#nextUs + waitUs : event.time * US;
    const durationUs = (event.durationNs ?? 0) / 1000;
    this.#nextUs = atUs + Math.max(1, durationUs);
    const span = spanFrom(atUs, durationUs);
    const rows = [
      ...(this.#named.has(pid) ? [] : [nameTask(pid, event.task?.comm)]),
      slice({ name: event.path[0] ?? '', span, pid, args: event }),
      ...placeParts(event.parts ?? [], span, pid),
    ];
    this.#named.add(pid);
    return rows.map((row) => {
      const line = `${this.#separator}${row}`;
      this.#separator = ',';
      return line;
    });
  }
}

function nameTask(pid: number, comm = pid === NO_TASK ? 'task not known' : String(pid)): string {
  return JSON.stringify({ ph: 'M', name: 'process_name', pid, tid: pid, args: { name: comm } });
}

/** From when to when, in microseconds. */
interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

function slice({ name, span, pid, args }: { name: string; span: Span; pid: number; args?: MappingEvent }): string {
  const cat = args === undefined ? 'dma-buf-part' : 'dma-buf';
  const { fromUs, toUs } = span;
  return JSON.stringify({ ph: 'X', cat, name, ts: fromUs, dur: toUs - fromUs, pid, tid: pid, args });
}

/** Nothing ends after what it is in. */
function spanFrom(fromUs: number, durationUs: number, endUs = Number.POSITIVE_INFINITY): Span {
  const from = Math.min(toStep(fromUs), endUs);
  return { fromUs: from, toUs: Math.min(toStep(fromUs + durationUs), endUs) };
}

function toStep(us: number): number {
  return Math.round(us / STEP_US) * STEP_US;
}

function placeParts(parts: readonly MappingPart[], whole: Span, pid: number): string[] {
  // By depth: where the next part stands, and where what it is in ends. A part's own parts begin
  // where it does.
  const next: Span[] = [whole, whole];
  return parts.map(({ name, depth, ns = 0 }) => {
    if (depth === 0) return slice({ name, span: spanFrom(whole.fromUs - ns / 1000, ns / 1000, whole.fromUs), pid });
    const { fromUs, toUs } = next[depth] ?? whole;
    const span = spanFrom(fromUs, ns / 1000, toUs);
    next.length = depth + 1;
    next[depth] = { fromUs: span.toUs, toUs };
    next[depth + 1] = span;
    return slice({ name, span, pid });
  });
}
