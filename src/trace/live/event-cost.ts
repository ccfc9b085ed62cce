import { withCleanup } from '../../base/cleanup.ts';
import { median } from '../../base/median.ts';
import type { TraceInstance } from '../../linux/tracefs/tracefs-instance.ts';

const ROUNDS = 5;
/** Their events, with stacks, must fit into the smallest buffers. */
const CALLS = 100;
const EVENT = 'calibration';

/** What events cost the tasks that cause them, in nanoseconds each. */
export interface EventCost {
  readonly eventNs: number;
  /** With a stack. */
  readonly stackNs: number;
}

/**
 * Measures it on a system call: with its event off, on, and with a stack. Medians of rounds that
 * take turns.
 *
 * @param call makes the system call
 */
export function measureEventCost(
  trace: TraceInstance,
  { probed, call }: { readonly probed: string; readonly call: () => void },
): EventCost {
  return withCleanup((cleanup) => {
    const event = trace.addFunctionProbe({ event: EVENT, function: probed, at: 'entry' }, 'kprobe');
    cleanup.defer(() => trace.removeProbe(event));
    const rounds = Array.from({ length: ROUNDS }, () => {
      const off = timeCalls(call);
      trace.record(event);
      const on = timeCalls(call);
      drain(trace);
      trace.trigger(event, 'stacktrace');
      const withStack = timeCalls(call);
      trace.trigger(event, '!stacktrace');
      trace.stopRecording(event);
      drain(trace);
      return { eventNs: on - off, stackNs: withStack - off };
    });
    const cost = { eventNs: medianOf(rounds, 'eventNs'), stackNs: medianOf(rounds, 'stackNs') };
    cleanup.unwind();
    return cost;
  });
}

function timeCalls(call: () => void): number {
  const before = process.hrtime.bigint();
  for (let count = 0; count < CALLS; count++) call();
  return Number(process.hrtime.bigint() - before) / CALLS;
}

function drain(trace: TraceInstance): void {
  for (const _ of trace.takeBytes());
}

function medianOf(rounds: readonly EventCost[], name: keyof EventCost): number {
  return Math.max(0, Math.round(median(rounds.map((round) => round[name]))));
}
