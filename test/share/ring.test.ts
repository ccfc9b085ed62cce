/**
 * Frame rings between processes: published frames arrive whole, and the death of one process does
 * not affect the others.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { env } from 'node:process';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { UINT_MAX } from '../../src/base/limits.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { connect, listen } from '../../src/share/index.ts';
import { createFrameRing, joinFrameRing } from '../../src/share/ring/index.ts';
import type { AddConsumerOptions, FrameRing, FrameRingOptions, RingMode } from '../../src/share/ring/index.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { stampFrame, stampsOf } from './frame-stamps.ts';
import { exitOf, socketPath, spawnScript } from './peer-process.ts';
import type { ConsumerReport } from './ring-consumer-peer.ts';

/** How often processes are killed: a guest, where each takes seconds to start, is given fewer. */
const KILL_ROUND_COUNT = Number(env['DMABUF_KILL_ROUNDS'] ?? 8);
const SEED = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(UINT_MAX));
const FRAME_BYTES = 256 * 1024;

checkLeaksAfterFile();

/** A ring of this process, joined by every process that connects to `path`. */
async function serveRing(
  t: TestContext,
  options: Partial<FrameRingOptions>,
  consumerOptions: AddConsumerOptions = {},
): Promise<{ ring: FrameRing; path: string }> {
  const heap = openEmbeddedHeap();
  const ring = createFrameRing(heap, { frameLength: FRAME_BYTES, frameCount: 8, ...options });
  heap.close();
  t.after(() => ring.close());
  const path = socketPath(t);
  const listener = await listen(path);
  t.after(() => listener.close());
  void ring.serve(listener, consumerOptions);
  return { ring, path };
}

interface ConsumerArguments {
  readonly path: string;
  readonly mode: RingMode;
  readonly heldMax?: number;
  readonly holdMs?: number;
}

/** A process that takes frames until the ring ends. */
function spawnConsumer(t: TestContext, { path, mode, heldMax = 1, holdMs = 0 }: ConsumerArguments): ChildProcess {
  const args = [path, mode, String(heldMax), String(holdMs)];
  return spawnScript(t, 'ring-consumer-peer.js', args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function reportOf(child: ChildProcess): Promise<ConsumerReport> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  assert.equal(await exitOf(child), 0);
  if (child.stdout?.readableEnded === false) await once(child.stdout, 'end');
  return JSON.parse(text) as ConsumerReport;
}

function publish(ring: FrameRing): number {
  const frame = ring.acquire();
  const stamp = ring.stats().published + 1;
  stampFrame(frame.bytes, stamp);
  return frame.publish();
}

/** Publishes as fast as frames can be written, until `done`. */
async function publishUntil(ring: FrameRing, done: () => boolean): Promise<void> {
  while (!done()) {
    publish(ring);
    await setImmediate();
  }
}

async function untilConsumerCount(ring: FrameRing, count: number): Promise<void> {
  while (ring.stats().consumers.length !== count) await setTimeout(2);
}

test('A frame ring gives every frame to one process and the newest to another, whole and in order', async (t) => {
  const { ring, path } = await serveRing(t, { frameCount: 12 });
  const every = reportOf(spawnConsumer(t, { path, mode: 'every' }));
  const newest = reportOf(spawnConsumer(t, { path, mode: 'newest', heldMax: 2 }));
  await untilConsumerCount(ring, 2);
  await publishUntil(ring, () => ring.stats().published === 1000);
  ring.close();
  const [everyReport, newestReport] = [await every, await newest];
  assert.deepEqual([everyReport.last, everyReport.end], [1000, 'closed']);
  assert.equal(everyReport.taken + everyReport.dropped, 1000);
  assert.deepEqual([newestReport.last, newestReport.end], [1000, 'closed']);
  assert.equal(newestReport.taken + newestReport.dropped, 1000);
});

test('FrameRing.serve adds every process that connects and asks to join, and counts the others', async (t) => {
  const { ring, path } = await serveRing(t, { frameCount: 3 });
  const [idle, first] = [await connect(path), await connect(path)];
  const consumer = await joinFrameRing(first, { mode: 'newest' });
  await assert.rejects(joinFrameRing(await connect(path), { mode: 'newest' }), { code: 'EBUSY' });
  const silent = await connect(path);
  silent.close();
  while (ring.stats().refusedCount < 2) await setTimeout(1);
  assert.equal(ring.stats().consumers.length, 1);
  // A silent peer is waited for, and holds no frames.
  ring.close();
  assert.equal(await idle.receive(), undefined);
  idle.close();
  assert.equal(await consumer.next(), undefined);
});

/** Stops the one consumer of a ring while it holds a frame. Gives how many were published. */
async function stopHolding(ring: FrameRing, child: ChildProcess): Promise<number> {
  const isHolding = (): boolean => ring.stats().consumers[0]?.heldCount === 1;
  for (;;) {
    const publishedCount = publish(ring);
    await setTimeout(1);
    if (!isHolding()) continue;
    child.kill('SIGSTOP');
    await until(() => isStopped(child));
    // It may have released the frame before it was stopped.
    if (isHolding()) return publishedCount;
    child.kill('SIGCONT');
  }
}

/** By the state behind its name (man 5 proc). */
function isStopped({ pid }: ChildProcess): boolean {
  return /^.*\) T /su.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

test('A frame ring goes on beside a consumer that is stopped, whose held frames do not change', async (t) => {
  const { ring, path } = await serveRing(t, { frameCount: 5 });
  const child = spawnConsumer(t, { path, mode: 'every', holdMs: 5 });
  const report = reportOf(child);
  await untilConsumerCount(ring, 1);
  const before = await stopHolding(ring, child);
  for (let count = 0; count < 500; count += 1) publish(ring);
  child.kill('SIGCONT');
  ring.close();
  const { taken, dropped, last } = await report;
  assert.deepEqual([last, taken + dropped], [before + 500, before + 500]);
  assert.ok(dropped >= 490, `only ${dropped} of 500 frames were overwritten in a ring of 5`);
});

test('FrameRing.acquireWhenFree waits for a consumer added with block, which then misses no frame', async (t) => {
  const { ring, path } = await serveRing(t, { frameCount: 4 }, { block: true });
  const report = reportOf(spawnConsumer(t, { path, mode: 'every', holdMs: 1 }));
  await untilConsumerCount(ring, 1);
  for (let stamp = 1; stamp <= 300; stamp += 1) {
    const frame = await ring.acquireWhenFree();
    stampFrame(frame.bytes, stamp);
    frame.publish();
  }
  ring.close();
  assert.deepEqual(await report, { taken: 300, first: 1, last: 300, dropped: 0, end: 'closed' });
});

test('FrameRing.acquireWhenFree goes on when the consumer that it waits for is killed', async (t) => {
  const { ring, path } = await serveRing(t, { frameCount: 4 }, { block: true });
  const child = spawnConsumer(t, { path, mode: 'every', holdMs: 60_000 });
  await untilConsumerCount(ring, 1);
  while (ring.stats().consumers[0]?.heldCount !== 1) {
    if (ring.stats().published === 0) publish(ring);
    await setTimeout(1);
  }
  for (let count = 0; count < 3; count += 1) publish(ring);
  assert.throws(() => ring.acquire(), { code: 'EAGAIN' });
  const waiting = ring.acquireWhenFree();
  child.kill('SIGKILL');
  (await waiting).publish();
  assert.deepEqual(ring.stats().consumers, []);
});

test('A frame ring has all its frames again when consumers are killed at any instant', async (t) => {
  t.diagnostic(`DMABUF_FUZZ_SEED=${SEED}`);
  const random = new SeededRandom(SEED);
  const { ring, path } = await serveRing(t, { frameCount: 9, writableMax: 2 });
  const observer = reportOf(spawnConsumer(t, { path, mode: 'every', heldMax: 2 }));
  await untilConsumerCount(ring, 1);
  const victims = async (): Promise<void> => {
    for (let round = 0; round < KILL_ROUND_COUNT; round += 1) {
      const children = (['every', 'newest'] as const).flatMap((mode) => [
        spawnConsumer(t, { path, mode, heldMax: 2, holdMs: random.below(2) }),
      ]);
      await untilConsumerCount(ring, 1 + children.length);
      await Promise.all(
        children.map(async (child) => {
          await setTimeout(random.below(60));
          child.kill('SIGKILL');
          assert.equal(await exitOf(child), 'SIGKILL');
        }),
      );
      await untilConsumerCount(ring, 1);
    }
  };
  let over = false;
  await Promise.all([victims().finally(() => (over = true)), publishUntil(ring, () => over)]);
  // Four more can be held now: no frame was lost.
  const consumer = await joinFrameRing(await connect(path), { mode: 'every', heldMax: 4 });
  const { published } = ring.stats();
  for (let count = 0; count < 4; count += 1) publish(ring);
  const frames = await Promise.all([1, 2, 3, 4].map(() => consumer.next()));
  for (let count = 0; count < 50; count += 1) publish(ring);
  for (const frame of frames) assert.deepEqual(stampsOf(frame?.bytes ?? new Uint8Array(4)), [frame?.sequence]);
  assert.ok((frames[0]?.sequence ?? 0) >= published);
  for (const frame of frames) frame?.release();
  consumer.close();
  ring.close();
  const { taken, last, dropped, end } = await observer;
  assert.deepEqual([last, end, taken + dropped], [published + 54, 'closed', last]);
});

test('Consumers of a producer that is killed at any instant keep the frames that they hold, and get an error', async (t) => {
  t.diagnostic(`DMABUF_FUZZ_SEED=${SEED}`);
  const random = new SeededRandom(SEED);
  for (let round = 0; round < KILL_ROUND_COUNT; round += 1) {
    const path = socketPath(t);
    const producer = spawnScript(t, 'ring-producer-peer.js', [path, String(FRAME_BYTES)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(producer.stdout ?? producer, 'data');
    const [newest, every] = [
      await joinFrameRing(await connect(path), { mode: 'newest', heldMax: 2 }),
      await joinFrameRing(await connect(path), { mode: 'every', heldMax: 3 }),
    ];
    const frames = [await newest.next(), await every.next(), await every.next()];
    void setTimeout(random.below(40)).then(() => producer.kill('SIGKILL'));
    for (const consumer of [newest, every]) {
      await assert.rejects(
        async () => {
          for await (const frame of consumer) {
            assert.deepEqual(stampsOf(frame.bytes), [frame.sequence]);
            frame.release();
          }
        },
        { name: 'DmaBufError', code: 'EPIPE' },
      );
      assert.equal(await consumer.next(), undefined);
    }
    assert.equal(await exitOf(producer), 'SIGKILL');
    for (const frame of frames) {
      assert.deepEqual(stampsOf(frame?.bytes ?? new Uint8Array(4)), [frame?.sequence]);
      frame?.release();
    }
  }
});
