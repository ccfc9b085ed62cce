import type { MappingEvent, MappingPart } from '../mapping-event.ts';

/** Processes of the viewer: pids of tasks, and this for what names no task. */
const NO_TASK = 0;
const US = 1e6;

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
    const atUs = event.time === undefined ? this.#nextUs : event.time * US;
    const durationUs = (event.durationNs ?? 0) / 1000;
    this.#nextUs = atUs + Math.max(1, durationUs);
    const rows = [
      ...(this.#named.has(pid) ? [] : [nameTask(pid, event.task?.comm)]),
      slice({ name: event.path[0] ?? '', atUs, durationUs, pid, args: event }),
      ...placeParts(event.parts ?? [], atUs, pid),
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

function slice({
  name,
  atUs,
  durationUs,
  pid,
  args,
}: {
  name: string;
  atUs: number;
  durationUs: number;
  pid: number;
  args?: MappingEvent;
}): string {
  const cat = args === undefined ? 'dma-buf-part' : 'dma-buf';
  return JSON.stringify({ ph: 'X', cat, name, ts: atUs, dur: durationUs, pid, tid: pid, args });
}

function placeParts(parts: readonly MappingPart[], atUs: number, pid: number): string[] {
  // By depth: where the next part stands. A part's own parts begin where it does.
  const next: number[] = [atUs, atUs];
  return parts.map(({ name, depth, ns = 0 }) => {
    const from = next[depth] ?? atUs;
    next.length = depth + 1;
    next[depth] = from + ns / 1000;
    next[depth + 1] = from;
    return slice({ name, atUs: from, durationUs: ns / 1000, pid });
  });
}
