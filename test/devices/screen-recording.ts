/** A live recording of camera in, screen out: every mapping explained, and none by fbdev. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openDisplay } from '../../src/drm/index.ts';
import { openHeap } from '../../src/index.ts';
import { recordMappings, TraceAnalysis } from '../../src/trace/index.ts';
import type { MappingEvent, TraceReport } from '../../src/trace/index.ts';
import { openCamera } from '../../src/v4l2/index.ts';
import { CountedMaps } from '../support/devices/counted-maps.ts';
import { cannotTrace } from '../support/devices/layout-rights.ts';
import { makersOfShown } from '../support/devices/screens.ts';
import type { Screens } from '../support/devices/screens.ts';
import { missingVivid, SINGLE_PLANAR, vividNode } from '../support/devices/vivid.ts';
import { CLI_PATH } from '../support/processes/run-cli.ts';
import { until } from '../support/runner/settled.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/camera-to-screen.js', import.meta.url));
const SIZE = { width: 640, height: 480 };
/** Of RGB565, which cirrus takes. */
const FRAME_BYTES = SIZE.width * SIZE.height * 2;
const BUFFER_COUNT = 4;
const COMMIT_COUNT = 9;
const RECORDINGS_MAX = 10;
/** Whose console the kernel shows on a screen. */
const CONSOLE = '/dev/fb0';

export function testScreenRecording(screens: Screens): void {
  const skip = missingVivid() || cannotTrace() || (screens.has('cirrus') ? false : 'this guest has no cirrus');

  test('recordMappings() explains each mapping by vivid and by cirrus, and sees none by fbdev', { skip }, async () => {
    const { report, mappings, all, eager } = await recordKnownWait(screens.get('cirrus')?.path);
    assert.equal(report.mappingCount, all);
    const sizeBytes = { min: FRAME_BYTES, max: FRAME_BYTES };
    assert.deepEqual(
      report.callers
        .map(({ consumer: { name, origin }, callCount, sizeBytes }) => ({ name, origin, callCount, sizeBytes }))
        .toSorted((one, other) => one.name.localeCompare(other.name)),
      [
        { name: 'DRM shmem helper, cirrus', origin: 'in-tree', callCount: all - eager, sizeBytes },
        { name: 'videobuf2 vmalloc, vivid', origin: 'in-tree', callCount: eager, sizeBytes },
      ],
    );
    const [cirrus, vivid] = ['cirrus', 'vivid'].map((driver) =>
      report.callers.find((caller) => caller.consumer.driver === driver),
    );
    // cirrus's caller takes the lock by itself (drivers/gpu/drm/drm_gem.c, drm_gem_vmap_unlocked).
    const waits = (name: string): boolean => mappings.some((mapping) => mapping.driver === name && hasWait(mapping));
    assert.ok(waits('vivid') && !waits('cirrus'), JSON.stringify(mappings));
    assert.equal(vivid?.callCount, BUFFER_COUNT, 'once a buffer');
    assert.ok((cirrus?.callCount ?? 0) >= COMMIT_COUNT, 'once a commit');
    assert.equal(cirrus?.buffers?.count, BUFFER_COUNT);
    const kinds = report.findings.map(({ kind }) => kind);
    assert.ok(kinds.includes('repeated-mapping') && kinds.includes('no-fbdev-mapping'), kinds.join(' '));
    const total = (cirrus?.totalNs ?? 0) + (vivid?.totalNs ?? 0);
    assert.ok((report.savings.mappedOnce?.highNs ?? 0) < total && (report.savings.mappedOnce?.highNs ?? 0) > 0);
  });

  const title = 'dmabuf trace around examples/camera-to-screen tells what it caused and what could be saved';
  test(title, { skip }, async () => {
    const stdout = await traceExample(screens.get('cirrus')?.path ?? '');
    // cirrus shows buffers of its own, which it does not map as dma-bufs; vivid fills them.
    assert.match(stdout, /^4 mappings by 1 call path on this machine$/mu);
    assert.match(stdout, /^1 {2}videobuf2 vmalloc, vivid$/mu);
    // The name that DRM gives to all its buffers.
    assert.match(stdout, /exporter: drm;/u);
    assert.match(stdout, /^What could be saved$/mu);
    assert.match(stdout, /^ {2}Mapping each buffer once: 0 ns/mu);
    assert.match(stdout, /a counter in the kernel saw as many mappings: \d+/u);
  });
}

/** Traces the example until it shows the camera, by when vivid has mapped every buffer. */
async function traceExample(card: string): Promise<string> {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const words = [CLI_PATH, 'trace', '--', process.execPath, EXAMPLE, path, card];
  const tracer = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = text(tracer.stdout);
  const isShown = (): boolean => makersOfShown({ path: card }).some((maker) => maker !== 'fbcon');
  await until(() => isShown() || tracer.exitCode !== null);
  const children = readFileSync(`/proc/${tracer.pid}/task/${tracer.pid}/children`, 'utf8').split(' ').filter(Boolean);
  assert.equal(children.length, 1, `the tracer has ended with ${tracer.exitCode}`);
  process.kill(Number(children[0]), 'SIGINT');
  return await output;
}

function hasWait({ parts = [] }: MappingEvent): boolean {
  return parts.some(({ depth }) => depth === 0);
}

interface RecordedShow extends ReturnType<CountedMaps['read']> {
  readonly report: TraceReport;
  readonly mappings: readonly MappingEvent[];
}

/**
 * The first recording in which it is known how long a mapping by vivid waited: it is not where
 * another task wanted the processor before.
 */
async function recordKnownWait(path: string | undefined): Promise<RecordedShow> {
  for (let count = 1; ; count += 1) {
    const recorded = await recordShow(path);
    const isKnown = recorded.mappings.some((mapping) => mapping.driver === 'vivid' && hasWait(mapping));
    if (isKnown || count === RECORDINGS_MAX) return recorded;
  }
}

async function recordShow(path: string | undefined): Promise<RecordedShow> {
  const counted = new CountedMaps();
  try {
    const recording = recordMappings();
    const [read] = await Promise.all([readReport(recording), showFrames(path).finally(() => recording.stop())]);
    return { ...read, ...counted.read() };
  } finally {
    counted.close();
  }
}

async function readReport(
  recording: ReturnType<typeof recordMappings>,
): Promise<{ report: TraceReport; mappings: MappingEvent[] }> {
  const analysis = new TraceAnalysis();
  const mappings: MappingEvent[] = [];
  for await (const record of recording) {
    analysis.add(record);
    if (record.kind === 'mapping') mappings.push(record);
  }
  return { report: analysis.report(), mappings };
}

/** Frames of vivid on a screen, and meanwhile bytes for the console's. */
async function showFrames(path: string | undefined): Promise<void> {
  const heap = openHeap('system', { require: ['deviceImport'] });
  const display = openDisplay({ path, mode: SIZE });
  const { path: camera } = vividNode(SINGLE_PLANAR, 'capture');
  const frames = openCamera(camera, { ...SIZE, format: 'RGBP', heap, buffers: BUFFER_COUNT });
  let shownCount = 0;
  for await (const frame of frames.frames({ backlog: 1 })) {
    await display.show(display.import(frame.layout));
    frame.close();
    if (existsSync(CONSOLE)) writeFileSync(CONSOLE, new Uint8Array(4096));
    shownCount += 1;
    if (shownCount === COMMIT_COUNT) break;
  }
  frames.close();
  display.close();
  heap.close();
}
