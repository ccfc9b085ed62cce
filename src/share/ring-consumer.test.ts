import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { checkLeaksAfterFile } from '../../test/support/leak-check.ts';
import { stateOf } from '../../test/support/promise-state.ts';
import { connectedPair, createRing, join, publish } from '../../test/support/ring-pairs.ts';
import { openEmbeddedHeap } from '../backend/embedded/index.ts';
import { createRingArea } from './ring-area-memory.ts';
import { joinFrameRing } from './join-frame-ring.ts';

checkLeaksAfterFile();

test('RingConsumer begins with the newest frame there is', async (t) => {
  const ring = createRing(t);
  for (let byte = 1; byte <= 3; byte += 1) publish(ring, byte);
  for (const mode of ['every', 'newest'] as const) {
    const consumer = await join(t, ring, { mode });
    const frame = consumer.tryNext();
    assert.deepEqual([frame?.sequence, frame?.metadata[0], frame?.bytes[0], consumer.dropped], [3, 3, 3, 0]);
    frame?.release();
  }
});

test('RingConsumer.next waits for a frame to be published, and for one that is held to be released', async (t) => {
  const ring = createRing(t);
  const consumer = await join(t, ring, { mode: 'every' });
  const [one, other] = [consumer.next(), consumer.next()];
  assert.equal(await stateOf(one), 'pending');
  publish(ring);
  const first = await one;
  publish(ring);
  assert.equal(await stateOf(other), 'pending');
  assert.equal(consumer.tryNext(), undefined);
  first?.release();
  assert.equal((await other)?.sequence, 2);
  (await other)?.release();
});

test('RingConsumer.next leaves the event loop alone while it waits for a frame to be released when the producer is gone', async (t) => {
  const ring = createRing(t);
  const consumer = await join(t, ring, { mode: 'every' });
  publish(ring);
  const frame = await consumer.next();
  publish(ring);
  ring.close();
  const next = consumer.next();
  // A timer comes only where nothing keeps the event loop from it.
  await setTimeout(5);
  assert.equal(await stateOf(next), 'pending');
  frame?.release();
  assert.equal((await next)?.sequence, 2);
  (await next)?.release();
  assert.equal(await consumer.next(), undefined);
});

test('RingConsumer.next goes on to wait, and the program to run, when it is woken for nothing', async (t) => {
  const ring = createRing(t);
  const [ours, theirs] = connectedPair(t);
  const [consumer] = await Promise.all([joinFrameRing(theirs, { mode: 'every' }), ring.addConsumer(ours)]);
  const next = consumer.next();
  for (let round = 0; round < 50; round += 1) ours.trySend({ message: 'nothing' });
  for (let turn = 0; turn < 100; turn += 1) await stateOf(next);
  assert.equal(await stateOf(next), 'pending');
  publish(ring);
  assert.equal((await next)?.sequence, 1);
  (await next)?.release();
  consumer.close();
});

test('RingConsumer.next rejects with the abort reason, and misses nothing by it', async (t) => {
  const ring = createRing(t);
  const consumer = await join(t, ring, { mode: 'every' });
  const controller = new AbortController();
  const aborted = consumer.next({ signal: controller.signal });
  await stateOf(aborted);
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  publish(ring);
  const frame = await consumer.next();
  assert.equal(frame?.sequence, 1);
  frame?.release();
});

test('RingConsumer.close keeps the frames that are held from the producer until they are released', async (t) => {
  const ring = createRing(t);
  const consumer = await join(t, ring, { mode: 'every' });
  publish(ring, 42);
  const frame = consumer.tryNext();
  consumer.close();
  for (let count = 0; count < 10; count += 1) publish(ring, 99);
  assert.equal(frame?.bytes[4999], 42);
  assert.equal(ring.stats().consumers.length, 1);
  assert.equal(await consumer.next(), undefined);
  frame?.release();
  frame?.release();
  assert.throws(() => frame?.bytes, { code: 'ERR_DMABUF_CLOSED' });
  while (ring.stats().consumers.length > 0) await new Promise(setImmediate);
});

test('RingConsumer closes when its loop is left, and a producer that waits for it goes on', async (t) => {
  const ring = createRing(t, { frameCount: 3 });
  const consumer = await join(t, ring, { mode: 'every', block: true });
  for (let count = 0; count < 3; count += 1) publish(ring);
  const waiting = ring.acquireWhenFree();
  assert.equal(await stateOf(waiting), 'pending');
  for await (const frame of consumer) {
    assert.equal(frame.sequence, 1);
    frame.release();
    break;
  }
  assert.equal(consumer.closed, true);
  (await waiting).publish();
});

test('joinFrameRing refuses an offer that does not fit, and closes what came with it', async (t) => {
  const heap = openEmbeddedHeap();
  const shape = { frameCount: 3, metadataBytes: 8, heldMax: 1 };
  const area = createRingArea(shape);
  const frames = Array.from({ length: 3 }, () => heap.allocate(4096, { shareable: true }));
  const fits = { ringVersion: 1, frameLength: 4096, ...shape };
  const offers: [fields: object, buffers: typeof frames][] = [
    [{ ...fits, frameCount: 4 }, [area.buffer, ...frames]],
    [fits, frames],
    [fits, []],
    [{ ...fits, frameLength: 4097 }, [area.buffer, ...frames]],
    [{ ...fits, metadataBytes: 4096 }, [area.buffer, ...frames]],
    [{ ...fits, heldMax: 2 }, [area.buffer, ...frames]],
    [{ ...fits, frameCount: 2 ** 31 }, [area.buffer, ...frames]],
    [{ ...fits, ringVersion: '1' }, [area.buffer, ...frames]],
  ];
  for (const [fields, buffers] of offers) {
    const [ours, theirs] = connectedPair(t);
    await ours.send({ message: JSON.stringify(fields), buffers });
    await assert.rejects(joinFrameRing(theirs, { mode: 'every' }), { code: 'EPROTO' }, JSON.stringify(fields));
    assert.equal(theirs.closed, true);
  }
  area.close();
  for (const frame of frames) frame.close();
  heap.close();
});

test('joinFrameRing refuses options that are none, and leaves the connection open', async (t) => {
  const [, theirs] = connectedPair(t);
  await assert.rejects(joinFrameRing(theirs, { mode: 'all' as never }), { name: 'TypeError' });
  await assert.rejects(joinFrameRing(theirs, { mode: 'every', heldMax: 17 }), { name: 'RangeError' });
  await assert.rejects(joinFrameRing({} as never, { mode: 'every' }), { name: 'TypeError' });
  assert.equal(theirs.closed, false);
});

test('RingConsumer survives a producer that writes anything, and says so when no frame can be found', async (t) => {
  const heap = openEmbeddedHeap();
  const shape = { frameCount: 3, metadataBytes: 8, heldMax: 1 };
  const area = createRingArea(shape);
  const frames = Array.from({ length: 3 }, () => heap.allocate(4096, { shareable: true }));
  const [ours, theirs] = connectedPair(t);
  await ours.send({
    message: JSON.stringify({ ringVersion: 1, frameLength: 4096, ...shape }),
    buffers: [area.buffer, ...frames],
  });
  const consumer = await joinFrameRing(theirs, { mode: 'every' });
  area.area.store(area.area.newest, 2 ** 52);
  assert.throws(() => consumer.tryNext(), { name: 'DmaBufError', code: 'EPROTO' });
  const view = area.buffer.vmap();
  const words = view.as(BigInt64Array);
  for (const value of [-1n, 2n ** 62n, -(2n ** 63n)]) {
    words.fill(value);
    const frame = consumer.tryNext();
    assert.equal(frame?.bytes.length ?? 4096, 4096);
    frame?.release();
  }
  consumer.close();
  view.close();
  area.close();
  for (const frame of frames) frame.close();
  heap.close();
});
