/**
 * The memory order of real cores, which the fuzz of ring-control.fuzz.ts assumes: threads at full
 * speed.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import type { RingThreadReport, RingThreadTask } from '../../../test/support/processes/ring-thread.ts';
import { RingArea, ringAreaBytes } from './ring-area.ts';
import type { RingMode } from './ring-claims.ts';
import { RingPublisher } from './ring-publisher.ts';
import { completeSteps } from './ring-steps.ts';

const THREAD = new URL('../../../test/support/processes/ring-thread.js', import.meta.url);
const SHAPE = { frameCount: 4, metadataBytes: 0, heldMax: 1 };
const FRAME_WORDS = 256;
const TAKEN_BY_EACH = 1000;

test('RingPublisher and RingClaims keep frames whole and in order between threads at full speed', async () => {
  const frames = Array.from({ length: SHAPE.frameCount }, () => new Int32Array(new SharedArrayBuffer(4 * FRAME_WORDS)));
  const gates = new Int32Array(new SharedArrayBuffer(8));
  const publisher = new RingPublisher(SHAPE.frameCount);
  const modes: readonly RingMode[] = ['every', 'newest'];
  const workers = modes.map((mode) => {
    const area = new Uint8Array(new SharedArrayBuffer(ringAreaBytes(SHAPE)));
    publisher.addReader({ area: new RingArea(area, SHAPE), block: false, wake: () => true, putOut: assert.fail });
    const workerData: RingThreadTask = { area, shape: SHAPE, mode, frames, count: TAKEN_BY_EACH, gates };
    return new Worker(THREAD, { workerData });
  });
  const reports = workers.map(async (worker) => (await once(worker, 'message')) as [RingThreadReport]);
  while (Atomics.load(gates, 0) < workers.length) await new Promise(setImmediate);
  while (Atomics.load(gates, 1) < workers.length) {
    const frame = completeSteps(publisher.claim());
    assert.ok(frame !== undefined, 'the producer never waits');
    const sequence = publisher.sequence + 1;
    frames[frame]?.fill(sequence);
    completeSteps(publisher.publish(frame, { timestamp: BigInt(sequence), metadata: new Uint8Array(0) }));
  }
  for (const [report] of await Promise.all(reports)) {
    assert.deepEqual(report, { tornCount: 0, disorderCount: 0, leakedCount: 0 });
  }
});
