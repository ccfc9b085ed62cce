import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { stateOf } from '../../../test/support/runner/promise-state.ts';
import { connectedPair, createRing, join, joinText, publish } from '../../../test/support/processes/ring-pairs.ts';
import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { Fence } from '../../heap/importer/fence.ts';
import { createFrameRing } from './frame-ring.ts';
import type { FrameRingOptions } from './frame-ring-options.ts';
import { joinFrameRing } from './join-frame-ring.ts';

checkLeaksAfterFile();

test('createFrameRing refuses invalid options before it allocates', () => {
  const heap = openEmbeddedHeap();
  const good = { frameLength: 1, frameCount: 3 };
  for (const wrong of [
    { frameLength: 0 },
    { frameLength: 2 ** 33 },
    { frameCount: 2 },
    { frameCount: 65 },
    { writableMax: 0 },
    { writableMax: 2 },
    { metadataBytes: -1 },
    { metadataBytes: 4097 },
  ]) {
    assert.throws(() => createFrameRing(heap, { ...good, ...wrong }), { name: 'RangeError' }, JSON.stringify(wrong));
  }
  assert.throws(() => createFrameRing(heap, { ...good, frames: 3 } as FrameRingOptions), { name: 'TypeError' });
  assert.throws(() => createFrameRing({} as typeof heap, good), { name: 'TypeError' });
  assert.equal(heap.stats().bufferCount, 0);
  heap.close();
});

test('WritableFrame.publish shows bytes, metadata, time and number to a consumer, and zeros after short metadata', async (t) => {
  const ring = createRing(t, { metadataBytes: 5 });
  const consumer = await join(t, ring, { mode: 'every' });
  const written = ring.acquire();
  assert.equal(written.bytes.length, 5000);
  written.bytes.set([1, 2, 3], 4997);
  assert.equal(written.publish({ metadata: Uint8Array.of(7, 8), timestamp: 123n }), 1);
  const before = process.hrtime.bigint();
  publish(ring);
  const after = process.hrtime.bigint();
  const frame = await consumer.next();
  assert.deepEqual([...(frame?.bytes.subarray(4996) ?? [])], [0, 1, 2, 3]);
  assert.deepEqual([frame?.sequence, frame?.timestamp, frame?.metadata], [1, 123n, Uint8Array.of(7, 8, 0, 0, 0)]);
  frame?.release();
  const next = await consumer.next();
  assert.ok(next !== undefined && next.timestamp >= before && next.timestamp <= after);
  next.release();
});

test('WritableFrame.publish refuses invalid metadata and timestamps, and the frame stays writable', (t) => {
  const ring = createRing(t, { metadataBytes: 2 });
  const frame = ring.acquire();
  assert.throws(() => frame.publish({ metadata: new Uint8Array(3) }), { name: 'RangeError' });
  assert.throws(() => frame.publish({ metadata: 'text' as never }), { name: 'TypeError' });
  assert.throws(() => frame.publish({ timestamp: 1 as never }), { name: 'TypeError' });
  assert.equal(frame.inUse, true);
  assert.equal(frame.publish(), 1);
});

test('WritableFrame gives no access after it was published or discarded', (t) => {
  const ring = createRing(t);
  const published = ring.acquire();
  published.publish();
  const discarded = ring.acquire();
  discarded.discard();
  discarded.discard();
  for (const frame of [published, discarded]) {
    assert.equal(frame.inUse, false);
    assert.throws(() => frame.bytes, { code: 'ERR_DMABUF_CLOSED' });
    assert.throws(() => frame.buffer, { code: 'ERR_DMABUF_CLOSED' });
    assert.throws(() => frame.publish(), { code: 'ERR_DMABUF_CLOSED' });
  }
  published.discard();
  assert.deepEqual([ring.stats().published, ring.stats().writableCount], [1, 0]);
});

test('WritableFrame.bytes does not wait: it refuses while a device uses the frame', (t) => {
  const ring = createRing(t);
  const frame = ring.acquire();
  const fence = new Fence();
  frame.buffer.addFence(fence, 'read');
  assert.throws(() => frame.bytes, { code: 'EAGAIN' });
  fence.signal();
  assert.equal(frame.bytes.length, 5000);
  frame.discard();
});

test('FrameRing.acquire gives as many frames as writableMax, and then EAGAIN', async (t) => {
  const ring = createRing(t, { frameCount: 5, writableMax: 3 });
  const frames = [ring.acquire(), ring.acquire(), ring.acquire()];
  assert.equal(new Set(frames.map(({ index }) => index)).size, 3);
  assert.throws(() => ring.acquire(), { code: 'EAGAIN', message: /3 are being written/u });
  const waiting = ring.acquireWhenFree();
  assert.equal(await stateOf(waiting), 'pending');
  frames[1]?.discard();
  const next = await waiting;
  for (const frame of [frames[0], frames[2], next]) frame?.publish();
  assert.equal(ring.stats().published, 3);
});

test('FrameRing.acquireWhenFree rejects with the abort reason, and when the ring closes', async (t) => {
  const ring = createRing(t);
  const frame = ring.acquire();
  const controller = new AbortController();
  const aborted = ring.acquireWhenFree({ signal: controller.signal });
  const closed = ring.acquireWhenFree();
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  ring.close();
  await assert.rejects(closed, { code: 'ERR_DMABUF_CLOSED' });
  assert.throws(() => ring.acquire(), { code: 'ERR_DMABUF_CLOSED' });
  frame.bytes.fill(1);
  frame.discard();
});

test('FrameRing.acquire never waits for consumers that hold heldMax frames', async (t) => {
  const ring = createRing(t, { frameCount: 6 });
  const consumers = [await join(t, ring, { mode: 'every', heldMax: 3 }), await join(t, ring, { mode: 'newest' })];
  for (let count = 0; count < 3; count += 1) publish(ring, 10 + count);
  const held = [...Array.from({ length: 3 }, () => consumers[0]?.tryNext()), consumers[1]?.tryNext()];
  for (let count = 0; count < 20; count += 1) publish(ring, 99);
  assert.deepEqual(
    held.map((frame) => frame?.bytes[4999]),
    [10, 11, 12, 12],
  );
  for (const frame of held) frame?.release();
  const next = consumers.map((consumer) => consumer.tryNext());
  // Three of the six frames were held, and the others were reused.
  assert.deepEqual(
    next.map((frame) => frame?.sequence),
    [21, 23],
  );
  assert.deepEqual(
    ring.stats().consumers.map(({ dropped, heldCount }) => [dropped, heldCount]),
    [
      [17, 1],
      [21, 1],
    ],
  );
  for (const frame of next) frame?.release();
});

test('FrameRing.addConsumer refuses a consumer for whom too few frames are left, on both sides', async (t) => {
  const ring = createRing(t, { frameCount: 5 });
  const first = await join(t, ring, { mode: 'newest', heldMax: 2 });
  const [ours, theirs] = connectedPair(t);
  const outcomes = await Promise.allSettled([
    joinFrameRing(theirs, { mode: 'every', heldMax: 2 }),
    ring.addConsumer(ours),
  ]);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected');
    assert.match((outcome.reason as Error).message, /6 frames would be needed and there are 5/u);
    assert.equal((outcome.reason as { code: string }).code, 'EBUSY');
  }
  assert.deepEqual([ours.closed, theirs.closed], [true, true]);
  first.close();
  while (ring.stats().consumers.length > 0) await new Promise(setImmediate);
  await join(t, ring, { mode: 'every', heldMax: 3 });
});

test('FrameRing.addConsumer refuses a peer that does not ask to join, and closes the connection', async (t) => {
  const ring = createRing(t);
  for (const message of [
    '',
    'join',
    '[]',
    '{"ringVersion":2,"mode":"newest","heldMax":1}',
    joinText({ mode: 'all' }),
  ]) {
    const [ours, theirs] = connectedPair(t);
    await theirs.send({ message });
    await assert.rejects(ring.addConsumer(ours), { name: 'DmaBufError', code: 'EPROTO' }, message);
    assert.equal(ours.closed, true);
  }
  for (const heldMax of [0, 17, 1.5, '1', null, -1]) {
    const [ours, theirs] = connectedPair(t);
    await theirs.send({ message: joinText({ heldMax }) });
    await assert.rejects(ring.addConsumer(ours), { code: 'EPROTO' }, String(heldMax));
  }
  const [ours, theirs] = connectedPair(t);
  theirs.close();
  await assert.rejects(ring.addConsumer(ours), { code: 'EPIPE' });
  assert.deepEqual(ring.stats().consumers, []);
});

test('FrameRing.close closes connections that have not joined yet, and refuses later ones', async (t) => {
  const ring = createRing(t);
  const [ours, theirs] = connectedPair(t);
  const adding = assert.rejects(ring.addConsumer(ours), { code: 'ERR_DMABUF_CLOSED' });
  ring.close();
  await adding;
  await assert.rejects(joinFrameRing(theirs, { mode: 'newest' }), { code: 'EPIPE' });
  const [late] = connectedPair(t);
  await assert.rejects(ring.addConsumer(late), { code: 'ERR_DMABUF_CLOSED' });
});

test('FrameRing.close leaves consumers the published frames and those that they hold', async (t) => {
  const ring = createRing(t, { frameCount: 5 });
  const consumer = await join(t, ring, { mode: 'every', heldMax: 2 });
  for (let byte = 1; byte <= 3; byte += 1) publish(ring, byte);
  const first = await consumer.next();
  ring.close();
  const second = await consumer.next();
  first?.release();
  const third = await consumer.next();
  second?.release();
  assert.equal(await consumer.next(), undefined);
  assert.deepEqual([third?.sequence, third?.bytes[0], third?.bytes[4999]], [3, 3, 3]);
  assert.equal(consumer.closed, true);
  third?.release();
});

test('FrameRing.stats ignores impossible values of a consumer', async (t) => {
  const ring = createRing(t);
  const [ours, theirs] = connectedPair(t);
  await theirs.send({ message: joinText({ mode: 'every' }) });
  await ring.addConsumer(ours);
  const received = await theirs.receive();
  const view = received?.buffers[0]?.vmap();
  const words = view?.as(BigInt64Array);
  words?.fill(-1n);
  publish(ring);
  assert.deepEqual(ring.stats().consumers, [
    { pid: process.pid, mode: 'every', block: false, heldMax: 1, heldCount: 1, dropped: 0 },
  ]);
  words?.fill(2n ** 62n);
  publish(ring);
  assert.equal(ring.stats().consumers[0]?.dropped, 2);
  for (let count = 0; count < 20; count += 1) publish(ring);
  view?.close();
  received?.close();
});

test('WritableFrame.publish takes metadata of another realm, and runs none of its code', async (t) => {
  const ring = createRing(t);
  const consumer = await join(t, ring, { mode: 'every' });
  const foreign = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array;
  ring.acquire().publish({ metadata: foreign });
  const taken = consumer.tryNext();
  assert.deepEqual([...(taken?.metadata.subarray(0, 4) ?? [])], [1, 2, 3, 0]);
  taken?.release();
  class Lying extends Uint8Array {
    override get length(): number {
      return 0;
    }
    override slice(): never {
      throw new Error('must not be called');
    }
  }
  const frame = ring.acquire();
  assert.throws(() => frame.publish({ metadata: new Lying(65) }), { name: 'RangeError' });
  frame.publish({ metadata: new Lying(64) });
});
