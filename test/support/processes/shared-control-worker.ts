/** A thread of src/heap/shared-control.test.ts: does one task, posts its result, and ends. */

import { parentPort, workerData } from 'node:worker_threads';

import { SharedControl } from '../../../src/heap/shared-control.ts';

/** What a worker is started with. */
export interface WorkerTask {
  readonly task: keyof typeof TASKS;
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Of the handles that the task is about. */
  readonly tickets: Int32Array<SharedArrayBuffer>[];
  /** How often to do it. */
  readonly count: number;
  /** A word that counts the threads which are ready, and how many must be before they begin. */
  readonly gate: Int32Array<SharedArrayBuffer>;
  readonly threadCount: number;
}

const TASKS = {
  /** Opens, then opens and releases over and over, and releases last. */
  hammer(control: SharedControl, tickets: Int32Array[], count: number): number {
    const [ticket = new Int32Array(1)] = tickets;
    if (!control.open(ticket)) return 0;
    let opened = 1;
    for (let round = 0; round < count; round += 1) {
      if (control.open(ticket)) opened += 1;
      control.release();
    }
    control.release();
    return opened;
  },
  /** Takes back the handles that it can. */
  discard(control: SharedControl, tickets: Int32Array[]): number {
    return tickets.filter((ticket) => control.discard(ticket)).length;
  },
  /** Opens and never releases. */
  open(control: SharedControl, tickets: Int32Array[], count: number): number {
    const [ticket = new Int32Array(1)] = tickets;
    let opened = 0;
    for (let round = 0; round < count; round += 1) opened += control.open(ticket) ? 1 : 0;
    return opened;
  },
  /** As `open`, in a thread that goes on. */
  openAndStay(control: SharedControl, tickets: Int32Array[], count: number): number {
    parentPort?.on('message', () => {});
    return TASKS.open(control, tickets, count);
  },
  block(control: SharedControl): number {
    control.blockUntilPendingChange('read', 1);
    return control.pendingCount('read');
  },
  /** Has nothing else to do meanwhile. */
  async wait(control: SharedControl): Promise<number> {
    await control.pendingChange('read', 1);
    return control.pendingCount('read');
  },
} as const;

const { task, words, tickets, count, gate, threadCount } = workerData as WorkerTask;
// Turning, not sleeping: threads that are woken one after the other would be done one after the
// other.
Atomics.add(gate, 0, 1);
while (Atomics.load(gate, 0) < threadCount);
const result = await TASKS[task](new SharedControl(words), tickets, count);
parentPort?.postMessage(result);
