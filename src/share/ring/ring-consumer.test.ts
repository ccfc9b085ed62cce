import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { createMemfd, openMemfdToRead } from '../../../test/support/devices/memfd.ts';
import { stateOf } from '../../../test/support/runner/promise-state.ts';
import { connectedPair, createRing, join, publish } from '../../../test/support/processes/ring-pairs.ts';
import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { importBuffer } from '../../backend/fd-buffer/import-buffer.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { kernelCalls } from '../../linux/calls/kernel-calls.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
import { createRingArea } from './ring-area-memory.ts';
import { joinFrameRing } from './join-frame-ring.ts';

checkLeaksAfterFile();

/** A buffer of a memfd without a committed page. */
function importMemfd(length: number): DmaBuf {
  const memfd = createMemfd({ length });
  const buffer = importBuffer(memfd);
  memfd.close();
  return buffer;
}

function committedBytesOf(buffer: DmaBuf): number {
  const fd = buffer.exportFd();
  const { blocks } = fstatSync(fd.borrow());
  fd.close();
  return blocks * 512;
}

test('RingConsumer begins with the newest frame', async (t) => {
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

test('RingConsumer.next does not block the event loop while it waits, after the producer is gone', async (t) => {
  const ring = createRing(t);
  const consumer = await join(t, ring, { mode: 'every' });
  publish(ring);
  const frame = await consumer.next();
  publish(ring);
  ring.close();
  const next = consumer.next();
  // A timer fires only where the event loop turns.
  await setTimeout(5);
  assert.equal(await stateOf(next), 'pending');
  frame?.release();
  assert.equal((await next)?.sequence, 2);
  (await next)?.release();
  assert.equal(await consumer.next(), undefined);
});

test('RingConsumer.next continues to wait, without blocking the program, after spurious wake-ups', async (t) => {
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

test('RingConsumer.next rejects with the abort reason, and misses no frame by that', async (t) => {
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

test('RingConsumer.close keeps held frames from the producer until they are released', async (t) => {
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

test('RingConsumer closes when its loop is left, and a producer that waits for it continues', async (t) => {
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

test('joinFrameRing refuses an invalid offer, and closes its descriptors', async (t) => {
  const heap = openEmbeddedHeap();
  const shape = { frameCount: 3, metadataBytes: 8, heldMax: 1 };
  const area = createRingArea(shape);
  const frames = Array.from({ length: 3 }, () => heap.allocate(4096, { shareable: true }));
  const sealedArea = heap.allocate(area.buffer.length, { shareable: 'read-only' });
  const openedToRead = openMemfdToRead({ length: area.buffer.length });
  const readArea = importBuffer(openedToRead, { mode: 'read' });
  openedToRead.close();
  const long = heap.allocate(2 * 4096, { shareable: true });
  const hugeArea = importMemfd(2 ** 30);
  const fits = { ringVersion: 1, frameLength: 4096, ...shape };
  const offers: [fields: object, buffers: typeof frames][] = [
    [{ ...fits, frameCount: 4 }, [area.buffer, ...frames]],
    // The producer would never see writes of this process.
    [fits, [sealedArea, ...frames]],
    [fits, [readArea, ...frames]],
    [fits, frames],
    [fits, []],
    [{ ...fits, frameLength: 4097 }, [area.buffer, ...frames]],
    [{ ...fits, metadataBytes: 4096 }, [area.buffer, ...frames]],
    [fits, [hugeArea, ...frames]],
    [fits, [area.buffer, ...frames.slice(1), long]],
    [{ ...fits, frameLength: 4 }, [area.buffer, long, long, long]],
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
  // No refused memory was mapped: its pages would be committed now.
  assert.equal(committedBytesOf(hugeArea), 0);
  for (const each of [area, sealedArea, readArea, long, hugeArea, ...frames]) each.close();
  heap.close();
});

test('joinFrameRing maps no more than bytesMax, frames and area together', async (t) => {
  const pageSize = kernelCalls.getpagesize();
  for (const [bytesMax, refused] of [
    [5 * pageSize, false],
    [5 * pageSize - 1, true],
  ] as const) {
    const ring = createRing(t, { frameLength: pageSize, frameCount: 4, metadataBytes: 0 });
    const [ours, theirs] = connectedPair(t);
    const [joined] = await Promise.allSettled([
      joinFrameRing(theirs, { mode: 'every', bytesMax }),
      ring.addConsumer(ours),
    ]);
    if (!refused) {
      assert.ok(joined.status === 'fulfilled');
      joined.value.close();
      continue;
    }
    assert.ok(joined.status === 'rejected' && isDmaBufError(joined.reason, 'EFBIG'));
    assert.deepEqual(joined.reason.values, { bytes: 5 * pageSize, limitBytes: 5 * pageSize - 1 });
    assert.match(joined.reason.message, /\{ bytesMax \}/u);
    assert.equal(theirs.closed, true);
  }
});

test('joinFrameRing maps by default no more than half of the available memory', async (t) => {
  const frameLength = 4 * 2 ** 30;
  const frameCount = Math.ceil(readAvailableMemory().bytes / 2 / frameLength) + 1;
  if (frameCount > 64) {
    t.skip('more memory is left than the frames of any ring can take');
    return;
  }
  const shape = { frameCount, metadataBytes: 0, heldMax: 1 };
  const area = createRingArea(shape);
  const frame = importMemfd(frameLength);
  const [ours, theirs] = connectedPair(t);
  await ours.send({
    message: JSON.stringify({ ringVersion: 1, frameLength, ...shape }),
    buffers: [area.buffer, ...Array.from({ length: frameCount }, () => frame)],
  });
  await assert.rejects(joinFrameRing(theirs, { mode: 'every' }), { code: 'EFBIG' });
  assert.equal(committedBytesOf(frame), 0);
  frame.close();
  area.close();
});

test('joinFrameRing refuses invalid options, and leaves the connection open', async (t) => {
  const [, theirs] = connectedPair(t);
  await assert.rejects(joinFrameRing(theirs, { mode: 'all' as never }), { name: 'TypeError' });
  await assert.rejects(joinFrameRing(theirs, { mode: 'every', heldMax: 17 }), { name: 'RangeError' });
  await assert.rejects(joinFrameRing(theirs, { mode: 'every', bytesMax: 0 }), { name: 'RangeError' });
  await assert.rejects(joinFrameRing(theirs, { mode: 'every', signal: {} as never }), { name: 'TypeError' });
  await assert.rejects(joinFrameRing({} as never, { mode: 'every' }), { name: 'TypeError' });
  assert.equal(theirs.closed, false);
});

test('RingConsumer survives a producer that writes random values, and throws when no frame can be found', async (t) => {
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
