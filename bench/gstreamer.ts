/**
 * Frames from a GStreamer pipeline and to one, by the processor's time that each takes here, beside
 * what GStreamer itself takes to receive the same frames (`unixfdsrc ! fakesink`).
 */

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CleanupStack } from '../src/base/cleanup.ts';
import { median } from '../src/base/median.ts';
import { openHeap } from '../src/backend/open-heap.ts';
import { describeVideoFrame, receiveFrames, serveFrames } from '../src/gstreamer/index.ts';
import { FrameLayout } from '../src/picture/index.ts';
import { missingGStreamer } from '../test/support/processes/gstreamer-root.ts';
import { startPipeline } from '../test/support/processes/gstreamer.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';

interface GStreamerOptions {
  /** Frames of a turn, the warm-up included. */
  readonly frameCount?: number;
  readonly turnCount?: number;
}

const SIZE = 'width=1920,height=1080,framerate=60/1';
const NV12 = `video/x-raw,format=NV12,${SIZE}`;
const RGBX = `video/x-raw,format=RGBx,${SIZE}`;
const FRAMES_DEFAULT = 1200;
const TURNS_DEFAULT = 3;
/** Of the frames. */
const WARMUP_PART = 1 / 4;
const IN_NS_MAX = 450_000;
const OUT_NS_MAX = 250_000;
/** Under way at a time: a pipeline's sink keeps one until the next comes. */
const FRAMES_OUT = 4;

/** What a frame takes, in ns of processor time. */
interface FrameCosts {
  readonly oursNs: number;
  readonly peerNs: number;
}

export async function* gstreamerRows({
  frameCount = FRAMES_DEFAULT,
  turnCount = TURNS_DEFAULT,
}: GStreamerOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  const missing = missingGStreamer();
  const turns: { received: number[]; nv12: FrameCosts[]; rgbx: FrameCosts[] } = { received: [], nv12: [], rgbx: [] };
  for (let turn = 0; turn < turnCount && missing === false; turn += 1) {
    turns.received.push(await within((cleanup) => receive(cleanup, frameCount)));
    turns.nv12.push(await within((cleanup) => serve(cleanup, NV12, frameCount)));
    turns.rgbx.push(await within((cleanup) => serve(cleanup, RGBX, frameCount)));
  }
  const nsOf = (values: readonly number[]): number | null => (values.length === 0 ? null : median(values));
  yield toBenchRow({
    subject: 'processor time of a 1080p NV12 frame from a pipeline, of files that come again',
    ours: missing === false ? 'receiveFrames(), a byte of it read' : missing,
    oursNs: nsOf(turns.received),
    peer: 'GStreamer receives the same',
    peerNs: nsOf(turns.nv12.map(({ peerNs }) => peerNs)),
    oursNsMax: IN_NS_MAX,
  });
  yield toBenchRow({
    subject: 'processor time of a 1080p RGBx frame to a pipeline, pixels untouched',
    ours: missing === false ? 'serveFrames()' : missing,
    oursNs: nsOf(turns.rgbx.map(({ oursNs }) => oursNs)),
    peer: 'GStreamer receives it',
    peerNs: nsOf(turns.rgbx.map(({ peerNs }) => peerNs)),
    oursNsMax: OUT_NS_MAX,
  });
}

/** Ends what a turn has started, as a test's end would. */
async function within<Result>(body: (cleanup: CleanupStack) => Promise<Result>): Promise<Result> {
  const cleanup = new CleanupStack();
  try {
    return await body(cleanup);
  } finally {
    cleanup.unwind();
  }
}

function socketPath(cleanup: CleanupStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-bench-'));
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  return join(folder, 'frames');
}

async function receive(cleanup: CleanupStack, frameCount: number): Promise<number> {
  const path = socketPath(cleanup);
  const ends: (() => Promise<void>)[] = [];
  const source = `videotestsrc num-buffers=${frameCount} pattern=black ! ${NV12}`;
  const sink = `unixfdsink socket-path=${path} wait-for-connection=true sync=false`;
  const pipeline = startPipeline({ after: (step) => ends.push(step) }, `${source} ! ${sink}`);
  await pipeline.listens(path);
  const frames = await receiveFrames(path);
  let before = process.cpuUsage();
  let counted = 0;
  const seenCount = (): number => frames.counts.deliveredCount + frames.counts.droppedCount;
  for await (const frame of frames) {
    if (counted === 0 && seenCount() >= frameCount * WARMUP_PART) [counted, before] = [seenCount(), process.cpuUsage()];
    frame.layout.accessSync('read', ([luma]) => luma?.row(540)[7]);
    frame.close();
  }
  const used = process.cpuUsage(before);
  for (const end of ends) await end();
  return ((used.user + used.system) * 1000) / (seenCount() - counted);
}

async function serve(cleanup: CleanupStack, caps: string, frameCount: number): Promise<FrameCosts> {
  const path = socketPath(cleanup);
  const heap = openHeap('system', { backends: ['embedded'] });
  cleanup.defer(() => heap.close());
  const description = describeVideoFrame(caps);
  const layouts = Array.from({ length: FRAMES_OUT }, () => {
    const buffer = heap.allocate(description.length, { shareable: true });
    cleanup.defer(() => buffer.close());
    return new FrameLayout(description, [buffer]);
  });
  const server = await serveFrames(path, { caps });
  cleanup.defer(() => server.close());
  const ends: (() => Promise<void>)[] = [];
  const pipeline = startPipeline({ after: (step) => ends.push(step) }, `unixfdsrc socket-path=${path} ! fakesink`);
  await server.whenConnected();
  const released: Promise<void>[] = [];
  const warmupCount = Math.ceil(frameCount * WARMUP_PART);
  let [before, peerBeforeNs] = [process.cpuUsage(), 0];
  for (let index = 0; index < frameCount; index += 1) {
    if (index === warmupCount) [before, peerBeforeNs] = [process.cpuUsage(), processorNsOf(pipeline.pid)];
    await released[index - FRAMES_OUT + 1];
    released.push(server.send(layouts[index % FRAMES_OUT] as FrameLayout).released);
  }
  const used = process.cpuUsage(before);
  const peerNs = processorNsOf(pipeline.pid) - peerBeforeNs;
  await server.end();
  for (const end of ends) await end();
  const measuredCount = frameCount - warmupCount;
  return { oursNs: ((used.user + used.system) * 1000) / measuredCount, peerNs: peerNs / measuredCount };
}

/** Of all its threads (Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat). */
function processorNsOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder)
    .map((thread) => Number(readFileSync(join(folder, thread, 'schedstat'), 'utf8').split(' ')[0]))
    .reduce((sum, ns) => sum + ns, 0);
}
