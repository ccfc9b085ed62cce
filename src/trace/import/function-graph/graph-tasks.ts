import { GraphTask } from './graph-task.ts';
import type { GraphCalls } from './graph-calls.ts';

/** A machine runs some thousands at a time; those that have not run for long are given up. */
const TASKS_MAX = 8192;

/** Which task runs on which processor, as far as the trace tells. */
export class GraphTasks {
  readonly #calls: GraphCalls;
  readonly #byKey = new Map<string, GraphTask>();
  readonly #byCpu = new Map<number, GraphTask>();

  constructor(calls: GraphCalls) {
    this.#calls = calls;
  }

  /** Who runs on a processor; one without a name where the trace has not said. */
  onCpu(cpu: number): GraphTask {
    const known = this.#byCpu.get(cpu);
    if (known !== undefined) return known;
    const task = new GraphTask();
    task.cpu = cpu;
    this.#byCpu.set(cpu, task);
    return task;
  }

  /** A line of a task: whoever else was on its processor is no longer. */
  named(comm: string, pid: number | undefined, cpu: number): GraphTask {
    const before = this.#byCpu.get(cpu);
    if (before !== undefined && before.pid === pid && before.comm === comm) return before;
    const task = this.#find(comm, pid, cpu);
    // Before it had a name, the same task may have been at work: that its calls go on is likely,
    // and not said. They are given up.
    if (before !== undefined) for (const open of before.open) open.marks.add('preempted');
    if (task.cpu !== cpu) for (const open of task.open) open.marks.add('moved');
    task.cpu = cpu;
    this.#byCpu.set(cpu, task);
    return task;
  }

  /** The trace says that a processor goes from one task to another. */
  switched(cpu: number, from: { comm: string; pid: number }, to: { comm: string; pid: number }): void {
    const before = this.#byCpu.get(cpu);
    if (before !== undefined && before.comm === undefined) this.#adopt(before, from, cpu);
    this.named(to.comm, to.pid, cpu);
  }

  /** A processor lost events: which calls its task is in is not known any more. */
  lose(cpu: number): void {
    const task = this.#byCpu.get(cpu);
    if (task !== undefined) this.#calls.lose(task);
  }

  closeAll(): void {
    for (const task of new Set([...this.#byCpu.values(), ...this.#byKey.values()])) this.#calls.closeAll(task);
  }

  #adopt(nameless: GraphTask, { comm, pid }: { comm: string; pid: number }, cpu: number): void {
    nameless.comm = comm;
    nameless.pid = pid;
    this.#remember(keyOf(comm, pid, cpu), nameless);
  }

  #find(comm: string, pid: number | undefined, cpu: number): GraphTask {
    const key = keyOf(comm, pid, cpu);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const task = new GraphTask(comm, pid);
    task.cpu = cpu;
    this.#remember(key, task);
    return task;
  }

  #remember(key: string, task: GraphTask): void {
    this.#byKey.set(key, task);
    if (this.#byKey.size <= TASKS_MAX) return;
    const [oldest] = this.#byKey;
    if (oldest === undefined) return;
    this.#byKey.delete(oldest[0]);
    this.#calls.closeAll(oldest[1]);
  }
}

/** Each processor has an idle task of its own, all with pid 0. */
function keyOf(comm: string, pid: number | undefined, cpu: number): string {
  return pid === 0 ? `${cpu} idle` : `${pid ?? ''} ${pid === undefined ? comm : ''}`;
}
