/**
 * Whichever system call fails while frames are received or served: a typed error or none, and
 * nothing is left. Method: as in test/share/failing-calls.test.ts.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';

import { isDmaBufError, openHeap } from '../../src/index.ts';
import { describeVideoFrame } from '../../src/gstreamer/index.ts';
import { receiveFrames } from '../../src/gstreamer/receive-frames.ts';
import { serveFrames } from '../../src/gstreamer/serve-frames.ts';
import type { FrameServer } from '../../src/gstreamer/index.ts';
import { FrameDescription, FrameLayout } from '../../src/picture/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, heldDescriptors, settledDescriptors } from '../share/held-descriptors.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { capsCommand, command, frameCommand, naiveSink, naiveSource } from './naive-pipeline.ts';
import type { NaiveEnd } from './naive-pipeline.ts';

const CAPS = 'video/x-raw,format=NV12,width=6,height=2';

checkLeaksAfterFile();

/** Lets the n-th call of `run` fail, for every n. @returns the names of those that were refused */
async function failEach(run: (context: ShareContext) => Promise<void>): Promise<Set<string>> {
  const refused = new Set<string>();
  await run(new ShareContext());
  const held = await settledDescriptors();
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n);
    try {
      await run(new ShareContext(otherMachine({ raw: calls.raw })));
    } catch (error) {
      assert.ok(isDmaBufError(error), inspect(error));
      refused.add(calls.failed ?? '');
    }
    // A window over which no zeros could be mapped goes with its array.
    await collectGarbageUntil(() => isDeepStrictEqual(heldDescriptors(), held), 20);
    await assertHeld(held, `after call ${n}, ${calls.failed}`);
    if (calls.failed === undefined) return refused;
  }
}

async function receiveOne(t: TestContext, context: ShareContext): Promise<void> {
  const path = join(temporaryFolder(t), 'sink');
  const listening = naiveSink(t, path);
  try {
    const frames = await receiveFrames(path, {}, context);
    const sink = await listening.accept();
    try {
      sink.stream.write(capsCommand(CAPS));
      const memfd = createMemfd({ length: 31 });
      sink.stream.writeWithFds(frameCommand({ id: 1n, memories: [[24, 0]] }), [memfd]);
      memfd.close();
      sink.stream.write(command(3));
      for await (using frame of frames) frame.layout.accessSync('read', (planes) => planes[0]?.row(0));
    } finally {
      frames.stop();
      await sink.end();
    }
  } finally {
    listening.close();
  }
}

async function serveOne(t: TestContext, context: ShareContext, frame: FrameLayout): Promise<void> {
  const server = await serveFrames(join(temporaryFolder(t), 'frames'), { caps: CAPS }, context);
  const source = await naiveSource(t, server.path);
  try {
    await server.whenConnected();
    const sent = server.send(frame);
    await until(() => source.commands.length >= 2 || source.ended);
    if (!source.ended) source.release(0n);
    await sent.released;
  } finally {
    await source.end();
    for (const fd of source.fds.splice(0)) fd.close();
    server.close();
  }
}

test('receiveFrames(): the n-th system call fails, for every n', async (t) => {
  const refused = await failEach(async (context) => receiveOne(t, context));
  for (const name of ['socket', 'connect', 'recvmsg', 'fcntl', 'getsockopt'])
    assert.ok(refused.has(name), `${name}: ${[...refused].join(', ')}`);
});

test('serveFrames(): the n-th system call fails, for every n', async (t) => {
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  const description = describeVideoFrame(CAPS);
  const buffer = heap.allocate(description.length, { shareable: true });
  t.after(() => buffer.close());
  const frame = new FrameLayout(description, [buffer]);
  const refused = await failEach(async (context) => serveOne(t, context, frame));
  for (const name of ['socket', 'bind', 'listen', 'flock']) assert.ok(refused.has(name), [...refused].join(', '));
});

/** A server, and pipelines at it, when the next call fails, which is the one that duplicates. */
async function servedByFailing(
  t: TestContext,
  { count, padded }: { count: number; padded: boolean },
): Promise<{ server: FrameServer; sources: NaiveEnd[]; calls: FailingCalls }> {
  const calls = new FailingCalls();
  const context = new ShareContext(otherMachine({ raw: calls.raw }));
  const server = await serveFrames(join(temporaryFolder(t), 'frames'), { caps: CAPS, padded }, context);
  t.after(() => server.close());
  const sources = await Promise.all(Array.from({ length: count }, async () => await naiveSource(t, server.path)));
  await until(() => server.clients.length === count);
  for (const source of sources) await source.receive(1);
  return { server, sources, calls };
}

/** Rows of 32 bytes. */
function paddedFrame(t: TestContext): FrameLayout {
  const { width, height, fourcc, modifier } = describeVideoFrame(CAPS);
  const planes = [
    { bufferIndex: 0, offset: 0, stride: 32, length: 64 },
    { bufferIndex: 0, offset: 64, stride: 32, length: 32 },
  ];
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  const buffer = heap.allocate(4096, { shareable: true });
  t.after(() => buffer.close());
  return new FrameLayout(new FrameDescription({ width, height, fourcc, modifier, planes }), [buffer]);
}

test('a frame whose descriptors cannot be had for a pipeline goes to the others, and takes no place', async (t) => {
  const { server, calls } = await servedByFailing(t, { count: 2, padded: true });
  calls.failAt(1);
  const sent = server.send(paddedFrame(t));
  assert.equal(calls.failed, 'fcntl');
  assert.deepEqual([sent.clientCount, sent.passedOverCount], [1, 1]);
  assert.deepEqual(
    server.clients.map(({ heldCount, sentCount, passedOverCount }) => [heldCount, sentCount, passedOverCount]),
    [
      [0, 0, 1],
      [1, 1, 0],
    ],
  );
});

test('a frame whose descriptors cannot be had for any pipeline is an error, and nothing is left', async (t) => {
  const { server, calls } = await servedByFailing(t, { count: 1, padded: true });
  const frame = paddedFrame(t);
  const held = await settledDescriptors();
  calls.failAt(1);
  assert.throws(() => server.send(frame), { code: 'EPERM', syscall: 'fcntl' });
  assert.equal(server.clients[0]?.heldCount, 0);
  // The copy is closed, too.
  await assertHeld(held, 'after the error');
});
