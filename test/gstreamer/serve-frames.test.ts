/** Frames for pipelines, as they go over their sockets. */

import assert from 'node:assert/strict';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { describeVideoFrame, serveFrames } from '../../src/gstreamer/index.ts';
import type { FrameServer, ServeFramesOptions } from '../../src/gstreamer/index.ts';
import { FrameDescription, FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { frameCommand, naiveSource, videoMeta } from './naive-pipeline.ts';

checkLeaksAfterFile();

const CAPS = 'video/x-raw,format=NV12,width=6,height=2,framerate=30/1';

async function serve(t: TestContext, options: Partial<ServeFramesOptions> = {}): Promise<FrameServer> {
  const server = await serveFrames(join(temporaryFolder(t), 'frames'), { caps: CAPS, ...options });
  t.after(() => server.close());
  return server;
}

/** Buffers of an embedded heap, closed after the test. */
function allocator(t: TestContext): (length: number, shareable?: boolean) => DmaBuf {
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  return (length, shareable = true) => {
    const buffer = heap.allocate(length, { shareable });
    t.after(() => buffer.close());
    return buffer;
  };
}

function plainFrame(t: TestContext): FrameLayout {
  const description = describeVideoFrame(CAPS);
  return new FrameLayout(description, [allocator(t)(description.length)]);
}

function typesOf(commands: readonly (readonly [type: number, payload: Buffer])[]): number[] {
  return commands.map(([type]) => type);
}

/** Rows of 32 bytes, and a gap between the planes. */
function paddedFrame(t: TestContext): FrameLayout {
  const { width, height, fourcc, modifier } = describeVideoFrame(CAPS);
  const planes = [
    { bufferIndex: 0, offset: 0, stride: 32, length: 64 },
    { bufferIndex: 0, offset: 128, stride: 32, length: 32 },
  ];
  const description = new FrameDescription({ width, height, fourcc, modifier, planes });
  return new FrameLayout(description, [allocator(t)(4096)]);
}

test('describeVideoFrame() gives the layout that GStreamer has for caps', () => {
  const description = describeVideoFrame('video/x-raw(memory:DMABuf), format=(string)I420, width=(int)642, height=362');
  assert.deepEqual(
    description.planes.map(({ bufferIndex, offset, stride, length }) => [bufferIndex, offset, stride, length]),
    [
      [0, 0, 644, 233_128],
      [0, 233_128, 324, 58_644],
      [0, 291_772, 324, 58_644],
    ],
  );
  assert.equal(description.length, 350_416);
  for (const [caps, why] of [
    ['video/x-raw,format=NV12,width=6', /they have no height/u],
    ['video/x-raw,format=NV12,width=6,height=40000', /from 1 to 32767/u],
    ['video/x-h264', /end the pipeline with videoconvert/u],
    ['video/x-raw,format=DMA_DRM,width=6,height=2', /modifier of a driver/u],
    ['video/x-raw,format=NV12_64Z32,width=6,height=2', /format "NV12_64Z32" is not known/u],
    ['video/x-raw,format', /the field "format" is none/u],
  ] as const)
    assert.throws(() => describeVideoFrame(caps), { name: 'RangeError', message: why });
});

test('send() announces a frame to each pipeline, with its memory', async (t) => {
  const server = await serve(t);
  const sources = [await naiveSource(t, server.path), await naiveSource(t, server.path)];
  await until(() => server.clients.length === 2);
  const frame = plainFrame(t);
  frame.accessSync('write', (planes) => planes[0]?.row(1).fill(0x5a));
  const sent = server.send(frame, { timestampNs: 123n, durationNs: 45n });
  assert.deepEqual([sent.clientCount, sent.passedOverCount], [2, 0]);
  for (const source of sources) {
    const [caps, announced] = await source.receive(2);
    assert.deepEqual(caps, [2, Buffer.from(`${CAPS}\0`)]);
    const expected = frameCommand({ id: 0n, pts: 123n, duration: 45n, memories: [[24, 0]] });
    assert.deepEqual(announced, [0, expected.subarray(8)]);
    const buffer = importBuffer(source.fds[0] ?? -1, { mode: 'read' });
    assert.equal(
      buffer.accessSync('read', (bytes) => bytes[8]),
      0x5a,
    );
    buffer.close();
  }
  assert.equal(await stateOf(sent.released), 'pending');
  sources[0]?.release(0n);
  await until(() => server.clients.some(({ heldCount }) => heldCount === 0));
  assert.equal(await stateOf(sent.released), 'pending');
  // Whoever goes has given everything back.
  await sources[1]?.end();
  await sent.released;
  assert.equal(server.clients.length, 1);
});

test('send() without a pipeline is released at once', async (t) => {
  const server = await serve(t);
  const sent = server.send(plainFrame(t));
  assert.equal(sent.clientCount, 0);
  await sent.released;
});

test('a frame without a time is of now, on the clock that pipelines take', async (t) => {
  const server = await serve(t);
  const source = await naiveSource(t, server.path);
  await server.whenConnected();
  const before = process.hrtime.bigint();
  server.send(plainFrame(t));
  const after = process.hrtime.bigint();
  const pts = (await source.receive(2))[1]?.[1].readBigUInt64LE(8) ?? 0n;
  assert.ok(before <= pts && pts <= after, `${before} <= ${pts} <= ${after}`);
});

test('a pipeline that gives nothing back is passed over, and the others go on', async (t) => {
  const server = await serve(t, { heldMax: 3 });
  const [silent, lively] = [await naiveSource(t, server.path), await naiveSource(t, server.path)];
  await until(() => server.clients.length === 2);
  const frame = plainFrame(t);
  const all = [];
  for (let id = 0n; id < 10n; id += 1n) {
    all.push(server.send(frame));
    await lively.receive(Number(id) + 2);
    lively.release(id);
    await until(() => server.clients.some(({ releasedCount }) => releasedCount > Number(id)));
  }
  assert.deepEqual(
    all.map(({ clientCount, passedOverCount }) => [clientCount, passedOverCount]),
    [...Array.from({ length: 3 }, () => [2, 0]), ...Array.from({ length: 7 }, () => [1, 1])],
  );
  const stuck = server.clients.find(({ heldCount }) => heldCount > 0);
  assert.deepEqual([stuck?.heldCount, stuck?.sentCount, stuck?.passedOverCount], [3, 3, 7]);
  assert.equal(stuck?.peer.pid, process.pid);
  // One is given back, and there is room for one.
  silent.release(1n);
  await until(() => stuck.heldCount === 2);
  assert.equal(server.send(frame).clientCount, 2);
  stuck.close();
  await until(() => silent.ended);
  for (const { released } of all.slice(0, 3)) await released;
});

test('a frame that does not lie as GStreamer expects is refused with the remedy', async (t) => {
  const server = await serve(t);
  assert.throws(
    () => server.send(paddedFrame(t)),
    (error: Error) =>
      isDmaBufError(error, 'EINVAL') && /describeVideoFrame\(\), or serve with \{ padded: true \}/u.test(error.message),
  );
});

test('with padded, a pipeline gets copies until it has given one back, and then the frame itself', async (t) => {
  const server = await serve(t, { padded: true });
  const source = await naiveSource(t, server.path);
  await server.whenConnected();
  const frame = paddedFrame(t);
  frame.accessSync('write', ([luma, chroma]) => {
    luma?.row(1).fill(0x11);
    chroma?.row(0).fill(0x22);
  });
  const [first, second] = [server.send(frame, { timestampNs: 1n }), server.send(frame, { timestampNs: 2n })];
  // The frame's own memory is with nobody.
  await Promise.all([first.released, second.released]);
  const [, packed] = await source.receive(3);
  assert.deepEqual(packed?.[1], frameCommand({ id: 0n, pts: 1n, memories: [[24, 0]] }).subarray(8));
  const copy = importBuffer(source.fds[0] ?? -1, { mode: 'read' });
  assert.deepEqual(
    copy.accessSync('read', (bytes) => [...bytes.subarray(8, 14), ...bytes.subarray(16, 22)]),
    [...Array.from({ length: 6 }, () => 0x11), ...Array.from({ length: 6 }, () => 0x22)],
  );
  copy.close();
  source.release(0n);
  await until(() => server.clients[0]?.releasedCount === 1);
  const third = server.send(frame, { timestampNs: 3n });
  const announced = (await source.receive(4))[3];
  const places = [
    [0, 32],
    [128, 32],
  ] as const;
  const metas = [videoMeta(23, [6, 2], places)];
  assert.deepEqual(announced?.[1], frameCommand({ id: 4n, pts: 3n, memories: [[160, 0]], metas }).subarray(8));
  assert.equal(await stateOf(third.released), 'pending');
});

test('a frame in one buffer a plane is as good as one in one buffer', async (t) => {
  const server = await serve(t);
  const source = await naiveSource(t, server.path);
  await server.whenConnected();
  const allocate = allocator(t);
  const { width, height, fourcc, modifier } = describeVideoFrame(CAPS);
  const planes = [
    { bufferIndex: 0, offset: 0, stride: 8, length: 16 },
    { bufferIndex: 1, offset: 0, stride: 8, length: 8 },
  ];
  const description = new FrameDescription({ width, height, fourcc, modifier, planes });
  server.send(new FrameLayout(description, [allocate(4096), allocate(4096)]), { timestampNs: 7n });
  const memories = [
    [16, 0],
    [8, 0],
  ] as const;
  const announced = (await source.receive(2))[1];
  assert.deepEqual(announced?.[1], frameCommand({ id: 0n, pts: 7n, memories }).subarray(8));
  assert.equal(source.fds.length, 2);
});

test('send() refuses other frames, and buffers that cannot be shared', async (t) => {
  const server = await serve(t);
  const own = allocator(t)(4096, false);
  assert.throws(
    () => server.send(new FrameLayout(describeVideoFrame(CAPS), [own])),
    (error) => isDmaBufError(error, 'EOPNOTSUPP'),
  );
  const other = describeFrame('NV12', { width: 8, height: 2 });
  assert.throws(() => server.send(new FrameLayout(other, [allocator(t)(4096)])), {
    name: 'RangeError',
    message: /must be NV12 6x2 as the caps are/u,
  });
  assert.throws(() => server.send({} as FrameLayout), { name: 'TypeError' });
  server.close();
  assert.throws(
    () => server.send(plainFrame(t)),
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
});

test('end() tells every pipeline, and closes once they have gone', async (t) => {
  const server = await serve(t);
  const source = await naiveSource(t, server.path);
  await server.whenConnected();
  const sent = server.send(plainFrame(t));
  const ending = server.end();
  const commands = await source.receive(3);
  assert.deepEqual(
    commands.map(([type]) => type),
    [2, 0, 3],
  );
  assert.equal(await stateOf(ending), 'pending');
  await source.end();
  await ending;
  await sent.released;
  assert.ok(server.closed);
  assert.ok(!existsSync(server.path));
});

test('a pipeline that connects while the stream ends is told so, and gets no frame', async (t) => {
  const server = await serve(t);
  const early = await naiveSource(t, server.path);
  await server.whenConnected();
  const ending = server.end();
  const late = await naiveSource(t, server.path);
  assert.deepEqual(typesOf(await late.receive(2)), [2, 3]);
  assert.equal(server.send(plainFrame(t)).clientCount, 0);
  await early.end();
  assert.equal(await stateOf(ending), 'pending');
  await late.end();
  await ending;
  assert.deepEqual(typesOf(late.commands), [2, 3]);
});

test('an end that is given up leaves the server to pipelines that connect later', async (t) => {
  const server = await serve(t);
  const told = await naiveSource(t, server.path);
  await server.whenConnected();
  const aborted = new AbortController();
  const given = [server.end({ signal: aborted.signal }), server.end({ signal: aborted.signal })];
  await told.receive(2);
  aborted.abort(new Error('enough'));
  for (const ending of given) await assert.rejects(ending, /enough/u);
  const later = await naiveSource(t, server.path);
  await until(() => server.clients.length === 2);
  assert.equal(server.send(plainFrame(t)).clientCount, 1);
  assert.deepEqual(typesOf(await later.receive(2)), [2, 0]);
  await told.end();
  // Told once.
  assert.deepEqual(typesOf(told.commands), [2, 3]);
});

test('a pipeline that is accepted as the server closes is not left behind', async (t) => {
  const server = await serve(t);
  const closed = server.whenConnected().then(() => server.close());
  // Both wait to be accepted, one right behind the other.
  const sources = await Promise.all([naiveSource(t, server.path), naiveSource(t, server.path)]);
  await closed;
  for (const source of sources) await until(() => source.ended);
  assert.deepEqual(server.clients, []);
});

test('who waits is told of the close, also where the socket file cannot be removed', async (t) => {
  const server = await serve(t);
  const waiting = assert.rejects(server.whenConnected(), {
    code: 'ERR_DMABUF_CLOSED',
    message: 'Cannot wait for a pipeline after the server was closed',
  });
  const folder = dirname(server.path);
  renameSync(folder, `${folder}-away`);
  writeFileSync(folder, 'no folder');
  t.after(() => rmSync(`${folder}-away`, { recursive: true }));
  assert.throws(() => server.close(), { code: 'ENOTDIR' });
  await waiting;
});

test('with padded, a pipeline that gives nothing back costs no copies beyond its limit', async (t) => {
  const server = await serve(t, { padded: true, heldMax: 2 });
  await naiveSource(t, server.path);
  await server.whenConnected();
  const frame = paddedFrame(t);
  const accesses = t.mock.method(FrameLayout.prototype, 'accessSync');
  const sent = Array.from({ length: 5 }, () => server.send(frame));
  assert.deepEqual(
    sent.map(({ clientCount, passedOverCount }) => [clientCount, passedOverCount]),
    [
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 1],
    ],
  );
  // To read the frame, and to write the copy.
  assert.equal(accesses.mock.callCount(), 2 * 2);
});

test('whenConnected() and end() are given up by their signal, and by close()', async (t) => {
  const server = await serve(t);
  await assert.rejects(server.whenConnected({ signal: AbortSignal.abort(new Error('enough')) }), /enough/u);
  const waiting = server.whenConnected();
  server.close();
  await assert.rejects(waiting, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  const aborted = new AbortController();
  const another = await serve(t, { signal: aborted.signal });
  aborted.abort();
  assert.ok(another.closed);
});
