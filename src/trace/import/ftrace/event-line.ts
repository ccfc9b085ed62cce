/** What stands before an event's text, in `trace` and in what trace-cmd reports. */
export interface EventLine {
  readonly comm: string;
  readonly pid: number;
  /** -1 where the source has none: `perf script` may leave it out. */
  readonly cpu: number;
  /** Seconds; absent where the trace's clock has none (`trace_clock` is `counter` or `x86-tsc`). */
  readonly time?: number;
  readonly timeText?: string;
  /** How many nanoseconds the last digit of the time stands for. */
  readonly tickNs: number;
  /** Whether another task was waiting for the processor. Absent: it was not, or nothing tells. */
  readonly isPreempted?: true;
  readonly body: string;
}

/**
 * `comm-pid (tgid) [cpu] flags time: text` (kernel/trace/trace_output.c, trace_print_context): a
 * tgid where record-tgid is on, no flags where irq-info is off.
 */
const EVENT =
  /^\s*(?<comm>.{1,32}?)-(?<pid>\d{1,10})\s+(?:\(\s*(?:-+|\d{1,10})\)\s+)?\[(?<cpu>\d{1,5})\]\s+(?:(?<flags>[^\s:]{2,10})\s+)?(?<time>\d{1,20})(?:\.(?<fraction>\d{1,9}))?:\s+(?<body>\S.*)$/u;
/**
 * The second flag: the kernel wants to give the processor to another task
 * (kernel/trace/trace_output.c, trace_print_lat_fmt).
 */
const NEEDS_RESCHEDULE = /^.[BbLlNnp]/u;
const LOOKS_LIKE_EVENT = /^\s*.{1,32}-\d{1,10}\s+(?:\(\s*(?:-+|\d{1,10})\)\s+)?\[\d{1,5}\]/u;

/** Undefined for a line that is no event. */
export function parseEventLine(text: string): EventLine | undefined {
  const { comm, pid, cpu, flags = '', time, fraction, body } = EVENT.exec(text)?.groups ?? {};
  if (comm === undefined || time === undefined || body === undefined) return undefined;
  const preempted = NEEDS_RESCHEDULE.test(flags) ? { isPreempted: true as const } : {};
  const origin = { comm, pid: Number(pid), cpu: Number(cpu), ...preempted, body };
  if (fraction === undefined) return { ...origin, timeText: time, tickNs: Number.NaN };
  return { ...origin, time: Number(`${time}.${fraction}`), tickNs: 10 ** (9 - fraction.length) };
}

/** Whether a line that cannot be read stands where an event should. */
export function looksLikeEvent(text: string): boolean {
  return LOOKS_LIKE_EVENT.test(text);
}

/** From one time to a later one, without digits that the trace does not have. */
export function nanosecondsBetween(from: EventLine, to: EventLine): number {
  if (from.time === undefined || to.time === undefined) return Number.NaN;
  const tick = Math.max(from.tickNs, to.tickNs);
  return Math.round(((to.time - from.time) * 1e9) / tick) * tick;
}
