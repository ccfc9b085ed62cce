import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { connectedPair, createRing, joinText, publish } from '../../../test/support/processes/ring-pairs.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { listen } from '../listener/buffer-listener.ts';
import { connect } from '../connection/connect.ts';
import { createFrameRing } from './frame-ring.ts';
import { joinFrameRing } from './join-frame-ring.ts';
import { RingArea } from './ring-area.ts';

checkLeaksAfterFile();

test('FrameRing.acquire removes a consumer that takes each frame as it is being taken back', async (t) => {
  const errors: [error: Error, pid: number][] = [];
  const ring = createRing(t, { onPeerError: (error, { pid }) => errors.push([error, pid]) });
  const [ours, theirs] = connectedPair(t);
  await theirs.send({ message: joinText({}) });
  await ring.addConsumer(ours);
  const received = await theirs.receive();
  for (let count = 0; count < 8; count += 1) publish(ring);
  const view = received?.buffers[0]?.vmap();
  assert.ok(view !== undefined);
  const area = new RingArea(view.bytes, { frameCount: 4, metadataBytes: 64, heldMax: 1 });
  const { load } = Atomics;
  const seen = [0, 0, 0, 0];
  const words = new BigInt64Array(view.bytes.buffer, view.bytes.byteOffset, view.bytes.length / 8);
  // Before each check of the producer, as a process on another core would act.
  const spy = t.mock.method(Atomics, 'load', (array: BigInt64Array, index: number) => {
    for (const frame of seen.keys()) {
      const sequence = Number(load(words, area.sequenceOf(frame)));
      if (sequence === 0 && seen[frame] !== 0) Atomics.store(words, area.heldFrame(0), BigInt(frame + 1));
      seen[frame] = sequence;
    }
    return load(array, index);
  });
  publish(ring);
  assert.ok(spy.mock.callCount() > 20);
  spy.mock.restore();
  assert.equal(ring.stats().putOutCount, 1);
  assert.deepEqual(ring.stats().consumers, []);
  assert.equal(ours.closed, true);
  assert.equal(errors.length, 0, 'told within acquire()');
  await setTimeout(1);
  const [[error, pid] = [], ...others] = errors;
  assert.ok(isDmaBufError(error, 'EPROTO'));
  assert.match(error.message, /takes each frame as it is being taken back/u);
  assert.deepEqual([pid, others], [process.pid, []]);
  view.close();
  received?.close();
});

test('FrameRing.addConsumer closes a silent peer after joinTimeoutMs, and on abort', async (t) => {
  const ring = createRing(t);
  const [ours, theirs] = connectedPair(t);
  await assert.rejects(ring.addConsumer(ours, { joinTimeoutMs: 20 }), {
    code: 'ETIMEDOUT',
    message: /did not join within 20 ms/u,
  });
  assert.deepEqual([ours.closed, theirs.peerClosed], [true, true]);
  const controller = new AbortController();
  const [silent] = connectedPair(t);
  const adding = ring.addConsumer(silent, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(adding, { message: 'enough' });
  assert.equal(silent.closed, true);
  const [late] = connectedPair(t);
  await assert.rejects(ring.addConsumer(late, { signal: controller.signal }), { message: 'enough' });
  assert.equal(late.closed, true);
});

test('FrameRing.addConsumer refuses a consumer that requests more than heldMax, on both sides', async (t) => {
  const ring = createRing(t, { frameCount: 8 });
  const [ours, theirs] = connectedPair(t);
  const outcomes = await Promise.allSettled([
    joinFrameRing(theirs, { mode: 'every', heldMax: 3 }),
    ring.addConsumer(ours, { heldMax: 2 }),
  ]);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected' && isDmaBufError(outcome.reason, 'EBUSY'));
    assert.match(outcome.reason.message, /may hold 2 frames here and it asks for 3/u);
  }
});

test('FrameRing.serve and addConsumer reject invalid listeners, connections and options, and do not throw', async (t) => {
  const ring = createRing(t);
  const [ours] = connectedPair(t);
  const path = `${temporaryFolder(t)}/socket`;
  const listener = await listen(path);
  t.after(() => listener.close());
  const calls: [call: () => Promise<void>, name: string][] = [
    ...[[1], [ours], undefined, null, 'text', { accept: () => ours }].map((wrong): [() => Promise<void>, string] => [
      () => ring.serve(wrong as never),
      'TypeError',
    ]),
    ...[{ block: 1 }, { onPeerError: 1 }, null, { joiningMax: '1' }].map((wrong): [() => Promise<void>, string] => [
      () => ring.serve(listener, wrong as never),
      'TypeError',
    ]),
    ...[{ joiningMax: 0 }, { joiningMax: 1025 }, { joinTimeoutMs: 0 }, { joinTimeoutMs: 2 ** 31 }, { heldMax: 17 }].map(
      (wrong): [() => Promise<void>, string] => [() => ring.serve(listener, wrong), 'RangeError'],
    ),
    ...[1, null, {}, listener].map((wrong): [() => Promise<void>, string] => [
      () => ring.addConsumer(wrong as never),
      'TypeError',
    ]),
    [() => ring.addConsumer(ours, { signal: {} as never }), 'TypeError'],
    [() => ring.addConsumer(ours, { heldMax: 0 }), 'RangeError'],
  ];
  for (const [call, name] of calls) {
    const promise = call();
    await assert.rejects(promise, { name }, String(call));
  }
  assert.deepEqual([ours.closed, listener.closed], [false, false]);
  listener.close();
});

test('createFrameRing refuses an onPeerError that is not a function', () => {
  const heap = openEmbeddedHeap();
  const options = { frameLength: 1, frameCount: 3, onPeerError: 'log' as never };
  assert.throws(() => createFrameRing(heap, options), { name: 'TypeError', message: /onPeerError/u });
  heap.close();
});

test('FrameRing.serve continues when onPeerError throws, rejects or gives a thenable that throws, and counts it', async (t) => {
  const fail = (): never => {
    throw new Error('thrown');
  };
  const failures: (() => unknown)[] = [
    fail,
    async () => Promise.reject(new Error('rejected')),
    // eslint-disable-next-line unicorn/no-thenable -- the test needs a thenable
    () => Object.defineProperty({}, 'then', { get: fail }),
  ];
  const ring = createRing(t, { onPeerError: () => failures.shift()?.() });
  const path = `${temporaryFolder(t)}/socket`;
  const listener = await listen(path);
  t.after(() => listener.close());
  const served = ring.serve(listener);
  while (failures.length > 0) {
    const leftCount = failures.length;
    (await connect(path)).close();
    while (failures.length === leftCount) await setTimeout(1);
  }
  const consumer = await joinFrameRing(await connect(path), { mode: 'every' });
  publish(ring, 7);
  assert.equal(consumer.tryNext()?.bytes[0], 7);
  assert.deepEqual([ring.stats().refusedCount, ring.stats().listenerFailureCount], [3, 3]);
  listener.close();
  await served;
});

test('FrameRing.serve closes the connection that has been silent longest when more than joiningMax are', async (t) => {
  const errors: Error[] = [];
  const ring = createRing(t, { onPeerError: (error) => errors.push(error) });
  const path = `${temporaryFolder(t)}/socket`;
  const listener = await listen(path);
  t.after(() => listener.close());
  void ring.serve(listener, { joiningMax: 2 });
  const silent = [];
  for (let count = 0; count < 4; count += 1) silent.push(await connect(path));
  const consumer = await joinFrameRing(await connect(path), { mode: 'every' });
  await Promise.all(silent.slice(0, 3).map((connection) => connection.whenPeerCloses()));
  assert.equal(silent[3]?.peerClosed, false);
  while (errors.length < 3) await setTimeout(1);
  assert.ok(errors.length === 3 && errors.every((error) => isDmaBufError(error, 'ECONNABORTED')));
  consumer.close();
  for (const connection of silent) connection.close();
  listener.close();
});
