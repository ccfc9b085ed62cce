/** Frames to and from unmodified GStreamer pipelines, pixel by pixel. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openHeap } from '../../src/index.ts';
import { describeVideoFrame, receiveFrames, serveFrames } from '../../src/gstreamer/index.ts';
import type { FrameServer, ServeFramesOptions } from '../../src/gstreamer/index.ts';
import { FrameDescription, FrameLayout } from '../../src/picture/index.ts';
import { isListening } from '../support/processes/listening-socket.ts';
import { missingGStreamer } from '../support/processes/gstreamer-root.ts';
import { runPipeline, startPipeline } from '../support/processes/gstreamer.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const skip = missingGStreamer();
checkLeaksAfterFile();

const EXAMPLE = fileURLToPath(new URL('../../examples/between-pipelines.js', import.meta.url));
const FRAME_COUNT = 3;

/** What a pipeline of GStreamer alone makes of the same source: the oracle. */
async function expectedFrames(t: TestContext, source: string): Promise<Buffer> {
  return await runPipeline(t, `${source} ! fdsink`);
}

/** Of frames one behind the other: with zeros behind rows, where nobody writes. */
function withoutPadding(bytes: Uint8Array, caps: string): Buffer {
  const { length, planes, format, width, height } = describeVideoFrame(caps);
  const clean = Buffer.alloc(bytes.length);
  for (let start = 0; start < bytes.length; start += length)
    for (const [index, { offset, stride }] of planes.entries()) {
      const plane = format?.planes[index];
      assert.ok(plane !== undefined);
      const { blockWidth, blockBytes, horizontalSubsampling, verticalSubsampling } = plane;
      const rowBytes = Math.ceil(Math.ceil(width / horizontalSubsampling) / blockWidth) * blockBytes;
      for (let row = 0; row < Math.ceil(height / verticalSubsampling); row += 1) {
        const at = start + offset + row * stride;
        clean.set(bytes.subarray(at, at + rowBytes), at);
      }
    }
  return clean;
}

for (const [format, width, height] of [
  ['NV12', 1920, 1080],
  ['I420', 642, 362],
  ['NV12', 1000, 500],
  ['YV12', 321, 243],
  ['NV21', 5, 3],
  ['NV16', 322, 241],
  ['YUY2', 641, 17],
  ['UYVY', 640, 48],
  ['RGBx', 33, 5],
  ['BGRx', 640, 480],
  ['RGBA', 7, 7],
  ['BGRA', 8, 8],
  ['RGB', 641, 31],
  ['BGR', 3, 2],
  ['GRAY8', 641, 31],
] as const) {
  test(`receiveFrames() has every byte of ${format} ${width}x${height}`, { skip }, async (t) => {
    const path = join(temporaryFolder(t), 'sink');
    const caps = `video/x-raw,format=${format},width=${width},height=${height}`;
    const source = `videotestsrc num-buffers=${FRAME_COUNT} pattern=ball ! ${caps}`;
    const pipeline = startPipeline(t, `${source} ! unixfdsink socket-path=${path} wait-for-connection=true`);
    await pipeline.listens(path);
    const seen: Buffer[] = [];
    for await (using frame of await receiveFrames(path, { backlog: FRAME_COUNT }))
      seen.push(packedBytes(frame.layout, describeVideoFrame(caps)));
    await pipeline.ended();
    assert.equal(seen.length, FRAME_COUNT);
    const expected = withoutPadding(await expectedFrames(t, source), caps);
    assert.ok(Buffer.concat(seen).equals(expected), `${Buffer.concat(seen).length} bytes, of ${expected.length}`);
  });
}

/** A server, and frames that a test fills. */
async function serve(t: TestContext, options: ServeFramesOptions): Promise<FrameServer> {
  const server = await serveFrames(join(temporaryFolder(t), 'frames'), options);
  t.after(() => server.close());
  return server;
}

function framesOf(t: TestContext, description: FrameDescription): [FrameLayout, FrameLayout] {
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  const frame = (): FrameLayout => {
    const buffer = heap.allocate(description.length, { shareable: true });
    t.after(() => buffer.close());
    return new FrameLayout(description, [buffer]);
  };
  return [frame(), frame()];
}

/** No two pixels near each other are the same, and no two frames. */
function fill(frame: FrameLayout, seed: number): void {
  frame.accessSync('write', (planes) => {
    for (const [index, plane] of planes.entries())
      for (let row = 0; row < plane.rowCount; row += 1)
        plane.row(row).forEach((_, column, bytes) => {
          bytes[column] = (seed * 31 + index * 7 + row * 13 + column) & 0xff;
        });
  });
}

/** The picture's bytes, row by row in GStreamer's layout, with zeros behind each row. */
function packedBytes(frame: FrameLayout, { length, planes }: FrameDescription): Buffer {
  const bytes = Buffer.alloc(length);
  frame.accessSync('read', (views) => {
    for (const [index, { offset, stride }] of planes.entries())
      for (let row = 0; row < (views[index]?.rowCount ?? 0); row += 1)
        bytes.set(views[index]?.row(row) ?? [], offset + row * stride);
  });
  return bytes;
}

/** From two frames in turn: the sink of a pipeline keeps each frame until the next one comes. */
async function sendAll(
  server: FrameServer,
  frames: readonly [FrameLayout, FrameLayout],
  count: number,
): Promise<Buffer[]> {
  const sent: Buffer[] = [];
  const released: Promise<void>[] = [];
  await server.whenConnected();
  for (let seed = 0; seed < count; seed += 1) {
    const frame = frames[seed % 2] as FrameLayout;
    await released[seed - 2];
    fill(frame, seed);
    sent.push(packedBytes(frame, describeVideoFrame(server.caps.text)));
    const one = server.send(frame);
    assert.equal(one.clientCount, 1);
    released.push(one.released);
  }
  await server.end();
  return sent;
}

for (const [format, width, height] of [
  ['NV12', 1000, 500],
  ['I420', 642, 362],
  ['RGBx', 640, 480],
  ['RGB', 642, 10],
] as const) {
  const caps = `video/x-raw,format=${format},width=${width},height=${height},framerate=30/1`;
  test(`serveFrames() gives a pipeline every byte of ${format} ${width}x${height}`, { skip }, async (t) => {
    const server = await serve(t, { caps });
    const received = runPipeline(t, `unixfdsrc socket-path=${server.path} ! fdsink`);
    const sent = await sendAll(server, framesOf(t, describeVideoFrame(caps)), 4);
    assert.ok(withoutPadding(await received, caps).equals(Buffer.concat(sent)));
    assert.ok(!existsSync(server.path));
  });
}

test('padded rows arrive right from the first frame on', { skip }, async (t) => {
  const caps = 'video/x-raw,format=I420,width=320,height=240,framerate=30/1';
  const { width, height, fourcc, modifier } = describeVideoFrame(caps);
  const planes = [
    { bufferIndex: 0, offset: 4096, stride: 384, length: 384 * 240 },
    { bufferIndex: 0, offset: 120_000, stride: 256, length: 256 * 120 },
    { bufferIndex: 0, offset: 200_000, stride: 192, length: 192 * 120 },
  ];
  const description = new FrameDescription({ width, height, fourcc, modifier, planes });
  const server = await serve(t, { caps, padded: true });
  // The conversion to the same samples in another order reads every byte by its plane and its row.
  const pipeline = `unixfdsrc socket-path=${server.path} ! videoconvert ! video/x-raw,format=YV12 ! fdsink`;
  const received = runPipeline(t, pipeline);
  const sent = await sendAll(server, framesOf(t, description), 5);
  const expected = sent.map((bytes) =>
    Buffer.concat([bytes.subarray(0, 76_800), bytes.subarray(96_000), bytes.subarray(76_800, 96_000)]),
  );
  assert.ok((await received).equals(Buffer.concat(expected)));
});

test('examples/between-pipelines.ts hands frames on from a pipeline to another', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [from, to] = [join(folder, 'in'), join(folder, 'out')];
  const caps = 'video/x-raw,format=I420,width=642,height=362';
  // In time, so that the other pipeline is there for most.
  const source = `videotestsrc num-buffers=90 pattern=ball ! ${caps},framerate=30/1`;
  const sender = startPipeline(t, `${source} ! unixfdsink socket-path=${from} wait-for-connection=true`);
  await sender.listens(from);
  const example = spawn(process.execPath, [EXAMPLE, from, to], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => example.kill('SIGKILL'));
  const said = text(example.stdout);
  await until(() => isListening(to));
  const received = withoutPadding(await runPipeline(t, `unixfdsrc socket-path=${to} ! fdsink`), caps);
  const { length } = describeVideoFrame(caps);
  const frames = (bytes: Buffer): Buffer[] =>
    Array.from({ length: bytes.length / length }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
  const sent = frames(withoutPadding(await expectedFrames(t, source), caps));
  const got = frames(received);
  assert.ok(got.length > 0 && got.length <= 90, `${got.length} frames`);
  // Those that came while nobody was connected, or too fast for this machine, were passed over.
  let next = 0;
  for (const [index, frame] of got.entries()) {
    next = sent.findIndex((one, at) => at >= next && one.equals(frame)) + 1;
    assert.ok(next > 0, `frame ${index} is one of those after the one before`);
  }
  assert.match(await said, /^brightness \d+, FrameServer \{/mu);
});

test('a reader that asks for nothing stalls no pipeline: as many frames as 1,000 s have', { skip }, async (t) => {
  const path = join(temporaryFolder(t), 'sink');
  // At 30 a second, as fast as they are given back, nearly: a sink makes files without a limit. A
  // client that does not read stops it after some 280.
  const caps = 'video/x-raw,format=GRAY8,width=16,height=16';
  const source = `videotestsrc num-buffers=30000 pattern=black ! ${caps} ! identity sleep-time=100`;
  const pipeline = startPipeline(t, `${source} ! unixfdsink socket-path=${path} wait-for-connection=true sync=false`);
  await pipeline.listens(path);
  const frames = await receiveFrames(path);
  t.after(() => frames.stop());
  await pipeline.ended();
  // Some may still be in the socket.
  await until(() => frames.counts.droppedCount >= 29_999);
  const last = await frames.next();
  assert.equal(last.value?.droppedCount, 29_999);
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
});
