/**
 * Frames from a GStreamer pipeline and to one, by the processor's time that each takes here, beside
 * what GStreamer itself takes to receive such frames (`unixfdsrc ! fakesink`).
 */

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openHeap } from '../src/backend/open-heap.ts';
import { CleanupStack } from '../src/base/cleanup.ts';
import { describeVideoFrame, receiveFrames, serveFrames } from '../src/gstreamer/index.ts';
import type { FrameServer, PipelineFrames } from '../src/gstreamer/index.ts';
import { FrameLayout } from '../src/picture/index.ts';
import { missingGStreamer } from '../test/support/processes/gstreamer-root.ts';
import { startPipeline } from '../test/support/processes/gstreamer.ts';
import type { Pipeline } from '../test/support/processes/gstreamer.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull } from './take-turns.ts';

interface GStreamerOptions {
  /** Frames of a turn, the warm-up included. */
  readonly frameCount?: number;
  readonly turnCount?: number;
}

/** What a turn measured, in ns of processor time a frame. */
interface Turn {
  readonly receivedNs: number;
  readonly sentNs: number;
  /** By GStreamer. */
  readonly nv12ReceivedNs: number;
  readonly rgbxReceivedNs: number;
}

/** What sending a frame takes, in ns of processor time. */
interface SendCosts {
  readonly oursNs: number;
  readonly peerNs: number;
}

/** Runs what it was given, in reverse order, at the end of a turn. */
interface Ending {
  after(step: () => Promise<void> | void): void;
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

export async function* gstreamerRows({
  frameCount = FRAMES_DEFAULT,
  turnCount = TURNS_DEFAULT,
}: GStreamerOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  const missing = missingGStreamer();
  const turns: Turn[] = [];
  if (missing === false) for (let turn = 0; turn < turnCount; turn += 1) turns.push(await takeTurn(frameCount));
  const describe = (ours: string): string => (missing === false ? ours : `n/a: ${missing}`);
  yield toBenchRow({
    subject: 'processor time of a 1080p NV12 frame from a pipeline, of files that come again',
    ours: describe('receiveFrames(), a byte of it read'),
    oursNs: medianOrNull(turns.map(({ receivedNs }) => receivedNs)),
    peer: 'GStreamer receives one',
    peerNs: medianOrNull(turns.map(({ nv12ReceivedNs }) => nv12ReceivedNs)),
    oursNsMax: IN_NS_MAX,
  });
  yield toBenchRow({
    subject: 'processor time of a 1080p RGBx frame to a pipeline, pixels untouched',
    ours: describe('serveFrames()'),
    oursNs: medianOrNull(turns.map(({ sentNs }) => sentNs)),
    peer: 'GStreamer receives it',
    peerNs: medianOrNull(turns.map(({ rgbxReceivedNs }) => rgbxReceivedNs)),
    oursNsMax: OUT_NS_MAX,
  });
}

async function takeTurn(frameCount: number): Promise<Turn> {
  const receivedNs = await withEnding((ending) => measureReceiving(ending, frameCount));
  const nv12 = await withEnding((ending) => measureSending(ending, NV12, frameCount));
  const rgbx = await withEnding((ending) => measureSending(ending, RGBX, frameCount));
  return { receivedNs, sentNs: rgbx.oursNs, nv12ReceivedNs: nv12.peerNs, rgbxReceivedNs: rgbx.peerNs };
}

/** Each part of a turn has pipelines of its own. */
async function withEnding<Result>(body: (ending: Ending) => Promise<Result>): Promise<Result> {
  const steps: (() => Promise<void> | void)[] = [];
  try {
    return await body({ after: (step) => steps.push(step) });
  } finally {
    for (const step of steps.toReversed()) await step();
  }
}

function socketPath(ending: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-bench-'));
  ending.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'frames');
}

/** @returns ns a frame, whether it was delivered or passed over */
async function measureReceiving(ending: Ending, frameCount: number): Promise<number> {
  const path = socketPath(ending);
  const source = `videotestsrc num-buffers=${frameCount} pattern=black ! ${NV12}`;
  const sink = `unixfdsink socket-path=${path} wait-for-connection=true sync=false`;
  const pipeline = startPipeline(ending, `${source} ! ${sink}`);
  await pipeline.listens(path);
  const frames = await receiveFrames(path);
  let [before, countBefore] = [process.cpuUsage(), 0];
  for await (const frame of frames) {
    if (countBefore === 0 && seenCountOf(frames) >= frameCount * WARMUP_PART)
      [before, countBefore] = [process.cpuUsage(), seenCountOf(frames)];
    frame.layout.accessSync('read', ([luma]) => luma?.row(540)[7]);
    frame.close();
  }
  return nsSinceUsage(before) / (seenCountOf(frames) - countBefore);
}

function seenCountOf({ counts }: PipelineFrames): number {
  return counts.deliveredCount + counts.droppedCount;
}

async function measureSending(ending: Ending, caps: string, frameCount: number): Promise<SendCosts> {
  const path = socketPath(ending);
  const layouts = allocateFrames(ending, caps);
  const server = await serveFrames(path, { caps });
  ending.after(() => server.close());
  const pipeline = startPipeline(ending, `unixfdsrc socket-path=${path} ! fakesink`);
  await server.whenConnected();
  const warmupCount = Math.ceil(frameCount * WARMUP_PART);
  await sendFrames(server, layouts, warmupCount);
  const costs = await measureBoth(pipeline, () => sendFrames(server, layouts, frameCount - warmupCount));
  await server.end();
  return { oursNs: costs.oursNs / (frameCount - warmupCount), peerNs: costs.peerNs / (frameCount - warmupCount) };
}

function allocateFrames(ending: Ending, caps: string): FrameLayout[] {
  const cleanup = new CleanupStack();
  ending.after(() => cleanup.unwind());
  const heap = openHeap('system', { backends: ['embedded'] });
  cleanup.defer(() => heap.close());
  const description = describeVideoFrame(caps);
  return Array.from({ length: FRAMES_OUT }, () => {
    const buffer = heap.allocate(description.length, { shareable: true });
    cleanup.defer(() => buffer.close());
    return new FrameLayout(description, [buffer]);
  });
}

/** The last ones are still under way at its end. */
async function sendFrames(server: FrameServer, layouts: readonly FrameLayout[], count: number): Promise<void> {
  const released: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    await released[index - FRAMES_OUT + 1];
    released.push(server.send(layouts[index % FRAMES_OUT] as FrameLayout).released);
  }
}

async function measureBoth({ pid }: Pipeline, body: () => Promise<void>): Promise<SendCosts> {
  const [before, peerBeforeNs] = [process.cpuUsage(), processorNsOf(pid)];
  await body();
  return { oursNs: nsSinceUsage(before), peerNs: processorNsOf(pid) - peerBeforeNs };
}

function nsSinceUsage(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** Of all its threads (Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat). */
function processorNsOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder)
    .map((thread) => Number(readFileSync(join(folder, thread, 'schedstat'), 'utf8').split(' ')[0]))
    .reduce((sum, ns) => sum + ns, 0);
}
