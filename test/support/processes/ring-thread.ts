/**
 * A thread of src/share/ring/ring-threads.test.ts: takes frames as fast as it can, and posts what
 * was wrong with them.
 */

import { parentPort, workerData } from 'node:worker_threads';

import { RingArea } from '../../../src/share/ring/ring-area.ts';
import type { RingShape } from '../../../src/share/ring/ring-area.ts';
import { RingClaims } from '../../../src/share/ring/ring-claims.ts';
import type { RingMode } from '../../../src/share/ring/ring-claims.ts';
import { completeSteps } from '../../../src/share/ring/ring-steps.ts';

/** What a thread is started with. */
export interface RingThreadTask {
  readonly area: Uint8Array<SharedArrayBuffer>;
  readonly shape: RingShape;
  readonly mode: RingMode;
  readonly frames: readonly Int32Array<SharedArrayBuffer>[];
  /** How many frames to take. */
  readonly count: number;
  /** Counts the threads that have begun, and those that have ended. */
  readonly gates: Int32Array<SharedArrayBuffer>;
}

/** What a thread has seen. */
export interface RingThreadReport {
  /** Frames of which some word was not the frame's number, at some time while they were held. */
  readonly tornCount: number;
  readonly disorderCount: number;
  /** How many numbers were neither taken nor counted as dropped. */
  readonly leakedCount: number;
}

const { area, shape, mode, frames, count, gates } = workerData as RingThreadTask;
const claims = new RingClaims(new RingArea(area, shape), mode);
let [tornCount, disorderCount, last] = [0, 0, 0];
Atomics.add(gates, 0, 1);
for (let taken = 0; taken < count;) {
  const claim = completeSteps(claims.take());
  if (claim === undefined) continue;
  taken += 1;
  const words = frames[claim.frame] ?? new Int32Array(1);
  // Twice: the second time tells whether it is written while it is held.
  const isWhole = [1, 2].every(() => words.every((word) => word === claim.sequence));
  if (!isWhole || claim.timestamp !== BigInt(claim.sequence)) tornCount += 1;
  if (claim.sequence <= last) disorderCount += 1;
  last = claim.sequence;
  completeSteps(claims.release(claim.slot));
}
Atomics.add(gates, 1, 1);
const report: RingThreadReport = { tornCount, disorderCount, leakedCount: last - count - claims.dropped };
parentPort?.postMessage(report);
