/**
 * A consumer of a frame ring: `node ring-consumer-peer.js PATH MODE HELD_MAX MS`. Checks every
 * frame when it comes and again MS later, right before it releases it, and prints its observations
 * at the end, as JSON.
 */

import assert from 'node:assert/strict';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';

import { isDmaBufError } from '../../src/base/errors.ts';
import { connect } from '../../src/share/index.ts';
import { joinFrameRing } from '../../src/share/ring/index.ts';
import type { RingMode } from '../../src/share/ring/index.ts';
import { stampsOf } from './frame-stamps.ts';

/** What a consumer has seen. */
export interface ConsumerReport {
  readonly taken: number;
  readonly first: number;
  readonly last: number;
  readonly dropped: number;
  /** How the ring ended: `closed`, or an error's code. */
  readonly end: string;
}

const [path = '', mode = 'every', heldMax = '1', holdMs = '0'] = process.argv.slice(2);
const consumer = await joinFrameRing(await connect(path), {
  mode: mode as RingMode,
  heldMax: Number(heldMax),
});
let [taken, first, last, end] = [0, 0, 0, 'closed'];
try {
  for await (const frame of consumer) {
    const seen = stampsOf(frame.bytes);
    assert.deepEqual(seen, [frame.sequence], 'a frame is of one piece');
    assert.ok(frame.sequence > last, 'frames come in order');
    if (Number(holdMs) > 0) await setTimeout(Number(holdMs));
    assert.deepEqual(stampsOf(frame.bytes), seen, 'a frame stays as it is while it is held');
    frame.release();
    taken += 1;
    if (first === 0) first = frame.sequence;
    last = frame.sequence;
  }
} catch (error) {
  if (!isDmaBufError(error)) throw error;
  end = error.code;
}
const report: ConsumerReport = { taken, first, last, dropped: consumer.dropped, end };
process.stdout.write(JSON.stringify(report));
