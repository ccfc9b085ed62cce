import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RingArea, ringAreaBytes } from './ring-area.ts';
import { RingPublisher } from './ring-publisher.ts';
import { completeSteps } from './ring-steps.ts';

const SHAPE = { frameCount: 5, metadataBytes: 0, heldMax: 1 };
const NO_DETAILS = { timestamp: 0n, metadata: new Uint8Array(0) };

interface Reader {
  readonly area: RingArea;
  /** Why it was removed. */
  readonly reasons: string[];
}

function addReader(publisher: RingPublisher, block = false): Reader {
  const area = new RingArea(new Uint8Array(new SharedArrayBuffer(ringAreaBytes(SHAPE))), SHAPE);
  const reasons: string[] = [];
  publisher.addReader({ area, block, wake: () => true, putOut: (why) => reasons.push(why) });
  return { area, reasons };
}

function publish(publisher: RingPublisher): void {
  const frame = completeSteps(publisher.claim());
  assert.ok(frame !== undefined);
  completeSteps(publisher.publish(frame, NO_DETAILS));
}

/** Claims a frame while `meanwhile` runs before each of the publisher's steps. */
function claimWhile(publisher: RingPublisher, meanwhile: () => void): number | undefined {
  const steps = publisher.claim();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    meanwhile();
  }
}

/** Announces that it holds the frame that has just gone, before the publisher can check. */
function beInTheWay({ area }: Reader): () => void {
  const seen = Array.from({ length: SHAPE.frameCount }, () => 0);
  return () => {
    for (const frame of seen.keys()) {
      const sequence = area.load(area.sequenceOf(frame));
      if (sequence === 0 && seen[frame] !== 0) area.store(area.heldFrame(0), frame + 1);
      seen[frame] = sequence;
    }
  };
}

test('RingPublisher.claim removes only a reader that takes each frame as it is being taken back', () => {
  const publisher = new RingPublisher(SHAPE.frameCount);
  const [good, bad] = [addReader(publisher), addReader(publisher)];
  for (let count = 0; count < 2 * SHAPE.frameCount; count += 1) publish(publisher);
  good.area.store(good.area.heldFrame(0), 1);
  const frame = claimWhile(publisher, beInTheWay(bad));
  assert.ok(frame !== undefined && frame !== 0);
  assert.deepEqual(bad.reasons, ['it takes each frame as it is being taken back']);
  assert.deepEqual(good.reasons, []);
  completeSteps(publisher.publish(frame, NO_DETAILS));
  assert.equal(good.area.load(good.area.newest), 11);
  assert.equal(bad.area.load(bad.area.newest), 10);
});

test('RingPublisher.claim removes two readers that block it together', () => {
  const publisher = new RingPublisher(SHAPE.frameCount);
  const readers = [addReader(publisher), addReader(publisher)];
  for (let count = 0; count < 2 * SHAPE.frameCount; count += 1) publish(publisher);
  const actions = readers.map(beInTheWay);
  const frame = claimWhile(publisher, () => actions.forEach((act) => act()));
  assert.ok(frame !== undefined);
  // The first reader that is found to hold a frame counts as the blocking one.
  assert.ok(readers.some(({ reasons }) => reasons.length === 1));
});

test('RingPublisher.claim gives up, and removes no reader, when all frames are held or wanted', () => {
  const publisher = new RingPublisher(SHAPE.frameCount);
  const [holding, blocking] = [addReader(publisher), addReader(publisher, true)];
  for (let count = 0; count < 5; count += 1) publish(publisher);
  const frames = [0, 1, 2, 3, 4];
  const oldest = frames.find((frame) => holding.area.load(holding.area.sequenceOf(frame)) === 1) ?? -1;
  blocking.area.store(blocking.area.cursor, 2);
  holding.area.store(holding.area.heldFrame(0), oldest + 1);
  assert.equal(completeSteps(publisher.claim()), undefined);
  assert.deepEqual([holding.reasons, blocking.reasons], [[], []]);
  holding.area.store(holding.area.heldFrame(0), 0);
  assert.equal(completeSteps(publisher.claim()), oldest);
});
