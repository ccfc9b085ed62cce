/** Frames of a pipeline, as they come over its socket. */

import assert from 'node:assert/strict';
import { ftruncateSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';

import { importBuffer, isDmaBufError } from '../../src/index.ts';
import type { OwnedFd } from '../../src/index.ts';
import { receiveFrames } from '../../src/gstreamer/index.ts';
import type { PipelineFrame, PipelineFrames, ReceiveFramesOptions } from '../../src/gstreamer/index.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { settled, until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { capsCommand, command, frameCommand, meta, naiveSink, videoMeta } from './naive-pipeline.ts';
import type { NaiveEnd } from './naive-pipeline.ts';

checkLeaksAfterFile();

const CAPS = 'video/x-raw, format=(string)NV12, width=(int)6, height=(int)2, framerate=(fraction)30/1';
/** 2 rows of luma and 1 of chroma, of 8 bytes each, and what GStreamer's allocator adds. */
const FRAME_BYTES = 24;
const FILE_BYTES = FRAME_BYTES + 7;

async function connected(
  t: TestContext,
  options: ReceiveFramesOptions = {},
): Promise<{ frames: PipelineFrames; sink: NaiveEnd }> {
  const path = join(temporaryFolder(t), 'sink');
  const accepting = naiveSink(t, path).accept();
  const frames = await receiveFrames(path, options);
  t.after(() => frames.stop());
  return { frames, sink: await accepting };
}

/** A memfd as GStreamer's, with a byte that repeats. */
function filled(t: TestContext, value: number, length = FILE_BYTES): OwnedFd {
  const memfd = createMemfd({ length });
  t.after(() => memfd.close());
  const buffer = importBuffer(memfd);
  buffer.accessSync('write', (bytes) => bytes.fill(value));
  buffer.close();
  return memfd;
}

function sendFrame(sink: NaiveEnd, id: bigint, memfd: OwnedFd, metas: readonly Uint8Array[] = []): void {
  sink.stream.writeWithFds(frameCommand({ id, pts: 1000n + id, memories: [[FRAME_BYTES, 0]], metas }), [memfd]);
}

async function nextFrame(frames: PipelineFrames): Promise<PipelineFrame> {
  const { value } = await frames.next();
  assert.ok(value !== undefined);
  return value;
}

function placesOf({ layout }: PipelineFrame): [offset: number, stride: number, length: number][] {
  return layout.planes.map(({ offset, stride, length }) => [offset, stride, length]);
}

test('frames() are laid out by the caps, and by their own meta where they have one', async (t) => {
  const { frames, sink } = await connected(t, { backlog: 4 });
  sink.stream.write(capsCommand(CAPS));
  const memfd = filled(t, 9, 4096);
  sendFrame(sink, 1n, memfd);
  const padded = videoMeta(
    23,
    [6, 2],
    [
      [16, 32],
      [128, 64],
    ],
  );
  const memories = [[4096, 0]] as const;
  const metas = [meta('GstOther', Buffer.from('any')), padded];
  sink.stream.writeWithFds(frameCommand({ id: 2n, duration: 40n, memories, metas }), [memfd]);
  const [plain, laidOut] = [await nextFrame(frames), await nextFrame(frames)];
  assert.deepEqual(frames.caps, { text: CAPS, format: 'NV12', width: 6, height: 2, framerate: [30, 1] });
  assert.equal(plain.caps, frames.caps);
  assert.deepEqual(placesOf(plain), [
    [0, 8, 16],
    [16, 8, 8],
  ]);
  assert.deepEqual([plain.layout.width, plain.layout.height, plain.layout.description.format?.name], [6, 2, 'NV12']);
  assert.deepEqual([plain.timestampNs, plain.durationNs], [1001n, undefined]);
  assert.deepEqual(placesOf(laidOut), [
    [16, 32, 64],
    [128, 64, 64],
  ]);
  assert.deepEqual([laidOut.timestampNs, laidOut.durationNs], [undefined, 40n]);
  // The same file is one buffer.
  assert.equal(plain.buffer, laidOut.buffer);
  assert.equal(
    plain.layout.accessSync('read', (planes) => planes[0]?.row(1)[5]),
    9,
  );
  assert.throws(() => plain.layout.accessSync('write', () => {}), { code: 'EACCES' });
});

test('a frame of several memories has its planes in their buffers', async (t) => {
  const { frames, sink } = await connected(t);
  sink.stream.write(capsCommand(CAPS));
  const [luma, chroma] = [filled(t, 1, 4096), filled(t, 2, 100)];
  const memories = [
    [16, 64],
    [8, 50],
  ] as const;
  sink.stream.writeWithFds(frameCommand({ id: 5n, memories }), [luma, chroma]);
  const frame = await nextFrame(frames);
  assert.deepEqual(placesOf(frame), [
    [64, 8, 16],
    [50, 8, 8],
  ]);
  assert.deepEqual(
    frame.layout.accessSync('read', (planes) => planes.map((plane) => plane.row(0)[0])),
    [1, 2],
  );
});

test('every frame is given back once: closed, passed over, or left at the end', async (t) => {
  const { frames, sink } = await connected(t);
  sink.stream.write(capsCommand(CAPS));
  const memfd = filled(t, 1);
  for (const id of [1n, 2n, 3n]) sendFrame(sink, id, memfd);
  await until(() => sink.released.length === 2);
  const newest = await nextFrame(frames);
  assert.deepEqual([newest.timestampNs, newest.droppedCount, frames.counts.droppedCount], [1003n, 2, 2]);
  newest.close();
  newest.close();
  for (const id of [4n, 5n]) sendFrame(sink, id, memfd);
  await until(() => sink.released.length === 4);
  const held = await nextFrame(frames);
  await frames.return();
  assert.ok(held.closed);
  assert.throws(() => held.layout, { code: 'ERR_DMABUF_CLOSED' });
  await until(() => sink.ended);
  // The connection's end gives back what was out.
  assert.deepEqual(sink.released.slice(0, 4), [1n, 2n, 3n, 4n]);
  assert.equal(new Set(sink.released).size, sink.released.length);
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
});

test('frames() end with the stream, after the frames that were sent before', async (t) => {
  const { frames, sink } = await connected(t, { backlog: 8 });
  sink.stream.write(capsCommand(CAPS));
  const memfd = filled(t, 1);
  sendFrame(sink, 1n, memfd);
  sendFrame(sink, 2n, memfd);
  sink.stream.write(command(77, Buffer.alloc(5)));
  sink.stream.write(command(3));
  const seen: (bigint | undefined)[] = [];
  for await (using frame of frames) seen.push(frame.timestampNs);
  assert.deepEqual(seen, [1001n, 1002n]);
});

test('frames() reject with ECONNRESET when the pipeline is gone without an end of stream', async (t) => {
  const { frames, sink } = await connected(t);
  sink.stream.write(capsCommand(CAPS));
  sendFrame(sink, 1n, filled(t, 1));
  const frame = await nextFrame(frames);
  const next = frames.next();
  await sink.end();
  await assert.rejects(next, (error) => isDmaBufError(error, 'ECONNRESET'));
  assert.ok(frame.closed);
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
});

test('a signal ends frames(), and gives back what was out', async (t) => {
  const controller = new AbortController();
  const { frames, sink } = await connected(t, { signal: controller.signal });
  sink.stream.write(capsCommand(CAPS));
  sendFrame(sink, 1n, filled(t, 1));
  const frame = await nextFrame(frames);
  const next = frames.next();
  controller.abort(new Error('enough'));
  await assert.rejects(next, /enough/u);
  assert.ok(frame.closed);
  await until(() => sink.ended);
});

test('a signal also ends frames() that wait behind the end of their stream', async (t) => {
  const controller = new AbortController();
  const { frames, sink } = await connected(t, { backlog: 8, signal: controller.signal });
  sink.stream.write(capsCommand(CAPS));
  const memfd = filled(t, 1);
  for (const id of [1n, 2n, 3n]) sendFrame(sink, id, memfd);
  sink.stream.write(command(3));
  const first = await nextFrame(frames);
  await until(() => inspect(frames) === 'PipelineFrames { 1 delivered, open }' && sink.stream.writableLength === 0);
  controller.abort(new Error('enough'));
  assert.ok(first.closed);
  await assert.rejects(frames.next(), /enough/u);
  await until(() => sink.ended);
});

test('a signal that aborts at any moment of connecting is heard', async (t) => {
  for (let turns = 0; turns < 10; turns += 1) {
    const path = join(temporaryFolder(t), 'sink');
    const accepting = naiveSink(t, path).accept();
    const controller = new AbortController();
    const connecting = receiveFrames(path, { signal: controller.signal });
    void microtasks(turns).then(() => controller.abort(new Error('enough')));
    await assert.rejects(
      connecting.then(async (frames) => await frames.next()),
      /enough/u,
    );
    const sink = await accepting;
    await until(() => sink.ended);
  }
});

async function microtasks(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await Promise.resolve();
}

test('a buffer that its reader has closed comes anew with the next frame of its file', async (t) => {
  const { frames, sink } = await connected(t);
  sink.stream.write(capsCommand(CAPS));
  const memfd = filled(t, 6);
  sendFrame(sink, 1n, memfd);
  const first = await nextFrame(frames);
  first.buffer.close();
  first.close();
  sendFrame(sink, 2n, memfd);
  const second = await nextFrame(frames);
  assert.equal(
    second.layout.accessSync('read', (planes) => planes[0]?.row(0)[0]),
    6,
  );
});

test('a file that has grown is imported anew', async (t) => {
  const { frames, sink } = await connected(t);
  sink.stream.write(capsCommand(CAPS));
  const memfd = filled(t, 1);
  sendFrame(sink, 1n, memfd);
  (await nextFrame(frames)).close();
  ftruncateSync(memfd.borrow(), 96);
  sink.stream.write(capsCommand('video/x-raw,format=NV12,width=8,height=8'));
  sink.stream.writeWithFds(frameCommand({ id: 2n, memories: [[96, 0]] }), [memfd]);
  assert.deepEqual(placesOf(await nextFrame(frames)), [
    [0, 8, 64],
    [64, 8, 32],
  ]);
});

test('files without end are imported, and only as many stay as were asked for', async (t) => {
  const { frames, sink } = await connected(t, { importsMax: 3 });
  sink.stream.write(capsCommand(CAPS));
  const counts: number[] = [];
  for (let id = 1; id <= 20; id += 1) {
    const memfd = createMemfd({ length: FILE_BYTES });
    sendFrame(sink, BigInt(id), memfd);
    memfd.close();
    const frame = await nextFrame(frames);
    frame.layout.accessSync('read', () => {});
    frame.close();
    if (id >= 10) counts.push(await settled(() => mappingCount()));
  }
  assert.deepEqual(new Set(counts), new Set([3]));
});

/** Mappings of this file's memfds. */
function mappingCount(): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('memfd:dmabuf-test')).length;
}
