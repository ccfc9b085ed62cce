/** A thread that reaches a state and ends in it, in the requested way. */

import { parentPort, workerData } from 'node:worker_threads';

import type { StateSetup, ThreadStateName } from './thread-states.ts';

/** `terminate`: by the main thread. The others: by the thread itself. */
export type WayToEnd = 'terminate' | 'exit' | 'throw';

/** What a worker is started with. */
export interface EndingWorkerData extends Omit<StateSetup, 'reached'> {
  readonly state: ThreadStateName;
  readonly way: WayToEnd;
  /** Once the state is reached. */
  readonly delayMs: number;
}

const { state, way, delayMs, ...setup } = workerData as EndingWorkerData;

function end(): void {
  if (way === 'exit') process.exit();
  if (way === 'throw') throw new Error('The thread ends by this');
}

function reached(): void {
  parentPort?.postMessage('reached');
  if (way !== 'terminate') setTimeout(end, delayMs);
}

// Imported here, so that a thread can be ended while it loads.
const { THREAD_STATES } = await import('./thread-states.ts');
await THREAD_STATES[state]({ ...setup, reached });
