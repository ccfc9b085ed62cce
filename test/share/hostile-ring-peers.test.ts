/**
 * Goal: a peer that connects to a frame ring may do anything. The producer continues, reports the
 * peer and the reason, keeps nothing of it, and serves its other consumers meanwhile. Method: a
 * process commits one misdeed after another, each over a new connection. After each, a well-behaved
 * consumer takes a frame.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../../src/index.ts';
import type { OwnedFd } from '../../src/index.ts';
import { connect, listen } from '../../src/share/index.ts';
import { createFrameRing, joinFrameRing } from '../../src/share/ring/index.ts';
import type { FrameRing, PeerErrorListener, RingConsumer, ServeOptions } from '../../src/share/ring/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { join } from '../support/processes/ring-pairs.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { MISDEEDS } from './misdeeds.ts';
import type { Misdeed } from './misdeeds.ts';
import { exitOf, socketPath, spawnScript } from './peer-process.ts';

checkLeaksAfterFile();

interface RingMisdeed extends Misdeed {
  /** Whether it comes once the peer is a consumer. */
  readonly putOut?: boolean;
}

const RING_MISDEEDS: readonly RingMisdeed[] = [
  { name: 'joining with a buffer', code: 'EPROTO', says: /comes with 1 buffers and sync files/u },
  {
    name: 'joining by a mode of 25,000 characters',
    code: 'EPROTO',
    says: /mode is "\\u\{1b\}\[2J\\u\{a\}.{1,600}…"$/u,
  },
  { name: 'joining by arrays in arrays', code: 'EPROTO', says: /of version undefined/u },
  { name: 'joining by text that is no object', code: 'EPROTO', says: /it is no object/u },
  { name: 'joining to hold more than it may', code: 'EBUSY', says: /may hold 2 frames here and it asks for 3/u },
  { name: 'joining to hold none', code: 'EPROTO', says: /heldMax is 0, and must be from 1 to 16/u },
  { name: 'sending a buffer after joining', code: 'EPROTO', says: /comes with 1 buffers/u, putOut: true },
  { name: 'sending a folder after joining', code: 'EINVAL', says: /path is longer than a page/u, putOut: true },
  { name: 'sending garbage after joining', code: 'EPROTO', says: /begins with 0xa5a5a5a5/u, putOut: true },
  { name: 'sending too much after joining', code: 'EMSGSIZE', says: /more than 65536 bytes/u, putOut: true },
];

/** A ring of this process, served at `path`. */
async function serveRing(
  t: TestContext,
  onPeerError: PeerErrorListener,
  options: ServeOptions,
): Promise<{ ring: FrameRing; path: string; served: Promise<void> }> {
  const heap = openEmbeddedHeap();
  const ring = createFrameRing(heap, { frameLength: 5000, frameCount: 8, onPeerError });
  heap.close();
  t.after(() => ring.close());
  const path = socketPath(t);
  const listener = await listen(path);
  t.after(() => listener.close());
  return { ring, path, served: ring.serve(listener, options) };
}

/** A frame of a byte goes from the producer to a consumer. */
async function passFrame(ring: FrameRing, consumer: RingConsumer, byte: number): Promise<void> {
  const written = ring.acquire();
  written.bytes.fill(byte);
  written.publish();
  const frame = await consumer.next();
  assert.deepEqual([frame?.bytes[0], frame?.bytes[4999]], [byte, byte]);
  frame?.release();
}

test('FrameRing.serve refuses or puts out each peer that breaks the rules, tells about it, and serves on', async (t) => {
  const errors: [error: Error, pid: number][] = [];
  const { ring, path } = await serveRing(t, (error, { pid }) => errors.push([error, pid]), {
    heldMax: 2,
    // Time for any misdeed, on a busy machine.
    joinTimeoutMs: 600_000,
  });
  const consumer = await joinFrameRing(await connect(path), { mode: 'every' });
  await passFrame(ring, consumer, 1);
  const held = await settledDescriptors();
  const all: readonly RingMisdeed[] = [...MISDEEDS, ...RING_MISDEEDS];
  const tried = all.filter(({ skip = false }) => skip === false);
  const child = spawnScript(t, 'raw-peer.js', [path, '--reconnect', ...tried.map(({ name }) => name)]);
  const counts = { refused: 0, putOut: 0 };
  for (const { name, code, says, putOut = false, skip = false } of all) {
    await t.test(`${name}: ${code}`, { skip }, async () => {
      counts[putOut ? 'putOut' : 'refused'] += 1;
      const expectedCount = counts.refused + counts.putOut;
      while (errors.length < expectedCount) {
        await passFrame(ring, consumer, errors.length);
        await setTimeout(1);
      }
      const [error, pid] = errors[expectedCount - 1] ?? [];
      assert.ok(isDmaBufError(error, code), String(error));
      assert.match(error.message, says);
      assert.equal(pid, child.pid);
      await passFrame(ring, consumer, 255);
    });
  }
  assert.equal(await exitOf(child), 0);
  const { refusedCount, putOutCount, listenerFailureCount, consumers } = ring.stats();
  assert.deepEqual({ refused: refusedCount, putOut: putOutCount }, counts);
  assert.deepEqual([listenerFailureCount, consumers.length], [0, 1]);
  await assertHeld(held, 'descriptors of refused peers stayed open');
  consumer.close();
});

test('FrameRing.serve refuses a peer that says nothing within its time, tells about it, and serves on', async (t) => {
  const errors: [error: Error, pid: number][] = [];
  const { ring, path } = await serveRing(t, (error, { pid }) => errors.push([error, pid]), { joinTimeoutMs: 300 });
  const consumer = await join(t, ring, { mode: 'every' });
  const child = spawnScript(t, 'raw-peer.js', [path, '--reconnect', 'saying nothing']);
  for (let byte = 0; errors.length === 0; byte = (byte + 1) % 256) {
    await passFrame(ring, consumer, byte);
    await setTimeout(1);
  }
  const [[error, pid] = [], ...others] = errors;
  assert.ok(isDmaBufError(error, 'ETIMEDOUT'), String(error));
  assert.match(error.message, /did not join within 300 ms/u);
  assert.deepEqual([pid, others], [child.pid, []]);
  await passFrame(ring, consumer, 255);
  assert.equal(await exitOf(child), 0);
  const { refusedCount, putOutCount, consumers } = ring.stats();
  assert.deepEqual([refusedCount, putOutCount, consumers.length], [1, 0, 1]);
});

/** Connections that say nothing. Only as many as there is room for in the queue come at once. */
async function connectSilently(path: string, count: number): Promise<OwnedFd[]> {
  const { sockets } = new ShareContext();
  const silent: OwnedFd[] = [];
  while (silent.length < count) {
    const socket = sockets.create();
    while (!sockets.connect(socket.borrow(), path)) await setTimeout(1);
    silent.push(socket);
  }
  return silent;
}

/** Joins as soon as the producer has room. */
async function joinWhenPossible(path: string): Promise<RingConsumer> {
  for (;;) {
    try {
      return await joinFrameRing(await connect(path), { mode: 'newest' });
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      await setTimeout(20);
    }
  }
}

for (const { name, options } of [
  { name: 'as many as may be joining', options: {} },
  { name: 'so many that the producer has no descriptor left', options: { joiningMax: 1024, joinTimeoutMs: 1000 } },
] satisfies { name: string; options: ServeOptions }[]) {
  test(`178 clients that say nothing, ${name}, neither end nor starve a producer that may open 256 descriptors`, async (t) => {
    const path = socketPath(t);
    const producer = spawnScript(t, 'ring-producer-peer.js', [path, '4096', JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      descriptorsMax: 256,
    });
    await once(producer.stdout ?? producer, 'data');
    const early = await joinWhenPossible(path);
    const silent = await connectSilently(path, 178);
    const late = await joinWhenPossible(path);
    for (const consumer of [early, late]) {
      const first = await consumer.next();
      first?.release();
      for (let count = 0; count < 20; count += 1) (await consumer.next())?.release();
      assert.equal(consumer.closed, false);
      consumer.close();
    }
    assert.deepEqual([producer.exitCode, producer.signalCode], [null, null]);
    for (const socket of silent) socket.close();
  });
}
