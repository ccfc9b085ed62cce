/** Live recordings while vivid maps: everything counted a second way, and nothing left. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { isDmaBufError } from '../../src/base/errors.ts';
import { importBuffer, openHeap } from '../../src/index.ts';
import { TRACE_FILES } from '../../src/linux/tracefs/tracefs-files.ts';
import type { TraceFiles } from '../../src/linux/tracefs/tracefs-files.ts';
import { recordMappings, TraceAnalysis } from '../../src/trace/index.ts';
import type {
  MappingEvent,
  MappingPart,
  MappingRecording,
  TraceSummary,
  UnmappingEvent,
} from '../../src/trace/index.ts';
import { captureVivid } from '../support/devices/capture-vivid.ts';
import { CountedMaps } from '../support/devices/counted-maps.ts';
import { cannotTrace } from '../support/devices/layout-rights.ts';
import { traceState, TRACEFS } from '../support/devices/trace-state.ts';
import { missingVivid, SINGLE_PLANAR, vividNode } from '../support/devices/vivid.ts';
import { FailingTraceFiles } from '../support/fakes/failing-trace-files.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { CLI_PATH } from '../support/processes/run-cli.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

const skip = missingVivid() || cannotTrace();
checkLeaksAfterFile();

/** Of YUYV at 640x360, as vivid asks for it. */
const FRAME_BYTES = 640 * 360 * 2;
/** A frame in whole pages, as a heap allocates it. */
const BUFFER_BYTES = Math.ceil(FRAME_BYTES / 4096) * 4096;
const BUFFER_COUNT = 4;
/** Buffers of one camera, where many mappings are wanted. */
const MANY_BUFFERS = 16;
/** Events: so many that whole mappings are among them. */
const LOST_ENOUGH = 300;
/** Far more than the smallest buffers of two processors hold. */
const ROUNDS_MAX = 200;
/** Of what events cost. */
const MEASUREMENTS_MAX = 5;

async function captureFrames(
  frameCount: number,
  bufferCount = BUFFER_COUNT,
  backend: 'kernel' | 'udmabuf' = 'kernel',
): Promise<void> {
  await captureVivid({ frameCount, bufferCount, backend });
}

/** As the kernel says of this process's recording: a full buffer takes no more. */
function droppedEvents(): number {
  const folder = join(TRACEFS, 'instances', `dmabuf_${process.pid}_0_live`, 'per_cpu');
  const counts = readdirSync(folder).map((cpu) => {
    const stats = readFileSync(join(folder, cpu, 'stats'), 'utf8');
    const [, count] = /^dropped events: (\d+)$/mu.exec(stats) ?? [];
    return Number(count);
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The wait is not known where another task wanted the processor before. */
function assertWaitsFirst(parts: readonly MappingPart[]): void {
  const waits = parts.filter(({ depth }) => depth === 0);
  assert.ok(waits.length <= 1 && (waits.length === 0 || parts[0]?.name === 'ww_mutex_lock'), JSON.stringify(parts));
}

interface Recorded {
  readonly mappings: MappingEvent[];
  readonly unmappings: UnmappingEvent[];
  readonly summary: TraceSummary;
}

async function readAll(recording: MappingRecording): Promise<Recorded> {
  const mappings: MappingEvent[] = [];
  const unmappings: UnmappingEvent[] = [];
  for await (const record of recording) {
    if (record.kind === 'mapping') mappings.push(record);
    else if (record.kind === 'unmapping') unmappings.push(record);
    else return { mappings, unmappings, summary: record };
  }
  return assert.fail('no summary');
}

test('recordMappings() sees each buffer that vivid maps, and leaves tracefs as it was', { skip }, async () => {
  const before = traceState();
  const counted = new CountedMaps();
  const recording = recordMappings();
  const [{ mappings, unmappings, summary }] = await Promise.all([
    readAll(recording),
    captureFrames(8).finally(() => recording.stop()),
  ]);
  const { all } = counted.read();
  counted.close();
  assert.equal(all, BUFFER_COUNT, 'as other probes count');
  assert.deepEqual([summary.mappings, summary.unmappings, summary.lostEvents], [all, all, 0]);
  assert.deepEqual(summary.unreadableLines, []);
  assert.equal(recording.cost?.countedMappings, all, 'as a histogram in the kernel counts');
  assert.equal(new Set(mappings.map(({ buffer }) => buffer)).size, BUFFER_COUNT);
  assert.deepEqual(
    new Set(unmappings.map(({ buffer }) => buffer)),
    new Set(mappings.map(({ buffer }) => buffer)),
    'what was mapped is unmapped',
  );
  for (const { path, sizeBytes, exporter, result, durationNs, parts = [], task } of mappings) {
    assert.deepEqual([sizeBytes, exporter, result], [BUFFER_BYTES, 'system', 0]);
    assert.deepEqual(path.slice(0, 3), ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'vb2_vmalloc_map_dmabuf']);
    assert.ok(path.includes('vb2_core_qbuf'), path.join(' '));
    assert.equal(task?.pid, process.pid);
    assertWaitsFirst(parts);
    const [exporters, ...inside] = parts.filter(({ depth }) => depth > 0);
    assert.deepEqual(
      [exporters, ...inside].map((part) => [part?.name, part?.depth]),
      [
        ['system_heap_vmap', 1],
        ['vmalloc_noprof', 2],
        ['vmap', 2],
        ['vfree', 2],
      ],
    );
    const insideNs = inside.reduce((sum, { ns = 0 }) => sum + ns, 0);
    assert.ok(insideNs <= (exporters?.ns ?? 0) && (exporters?.ns ?? 0) <= (durationNs ?? 0), JSON.stringify(parts));
  }
  assert.deepEqual(traceState(), before);
});

test("recordMappings() tells udmabuf's parts, and no conversion of what it keeps as pages", { skip }, async () => {
  const before = traceState();
  const recording = recordMappings();
  const analysis = new TraceAnalysis();
  const [{ mappings }] = await Promise.all([
    readAll(recording),
    captureFrames(8, BUFFER_COUNT, 'udmabuf').finally(() => recording.stop()),
  ]);
  assert.equal(mappings.length, BUFFER_COUNT);
  for (const mapping of mappings) {
    const { exporter, parts = [], durationNs, sizeBytes } = mapping;
    assert.deepEqual([exporter, sizeBytes], ['udmabuf', BUFFER_BYTES]);
    assertWaitsFirst(parts);
    const [exporters, ...inside] = parts.filter(({ depth }) => depth > 0);
    assert.deepEqual(
      [exporters, ...inside].map((part) => [part?.name, part?.depth]),
      [
        ['vmap_udmabuf', 1],
        ['__kvmalloc_node_noprof', 2],
        ['vm_map_ram', 2],
        ['kvfree', 2],
      ],
    );
    const insideNs = inside.reduce((sum, { ns = 0 }) => sum + ns, 0);
    assert.ok(insideNs <= (exporters?.ns ?? 0) && (exporters?.ns ?? 0) <= (durationNs ?? 0), JSON.stringify(parts));
    // Durations alone: whether something disturbed them is up to the machine.
    const { marks: _, ...undisturbed } = mapping;
    analysis.add(undisturbed);
  }
  const { callers, savings } = analysis.report();
  const { partTimes } = callers[0] ?? assert.fail();
  assert.equal(partTimes?.['sg-to-pages'], 0);
  for (const kind of ['page-array', 'vmap', 'free'] as const) assert.ok(partTimes[kind] > 0, kind);
  assert.equal(savings.byEntry, undefined);
  assert.deepEqual(traceState(), before);
});

test('recordMappings() measures what its events cost', { skip }, async () => {
  const told: string[] = [];
  // Other tasks take a part of the time that is measured: at times more of the one than the other.
  for (let isLikely = false; !isLikely;) {
    const recording = recordMappings();
    recording.stop();
    await readAll(recording);
    const { eventNs = 0, stackNs = 0, totalNs, seconds = 0 } = recording.cost ?? {};
    assert.ok(totalNs !== undefined && seconds > 0);
    told.push(`${eventNs} ns, ${stackNs} ns with a stack`);
    isLikely = eventNs > 0 && stackNs > eventNs;
    assert.ok(isLikely || told.length < MEASUREMENTS_MAX, told.join('; '));
  }
});

test('recordMappings() beside layout() of the same thread: neither takes the other away', { skip }, async () => {
  const before = traceState();
  const recording = recordMappings();
  const heap = openHeap('system', { backends: ['kernel'] });
  const buffer = heap.allocate(64 * 1024, { traceLayout: true });
  const fd = buffer.exportFd();
  const imported = importBuffer(fd);
  assert.ok(buffer.layout().known && imported.layout().known);
  const [{ summary }] = await Promise.all([readAll(recording), captureFrames(5).finally(() => recording.stop())]);
  assert.equal(summary.mappings, BUFFER_COUNT);
  for (const closable of [imported, buffer, fd, heap]) closable.close();
  assert.deepEqual(traceState(), before);
});

test('recordMappings() is refused while this thread records, and after the end it is not', { skip }, () => {
  const before = traceState();
  const recording = recordMappings();
  assert.throws(
    () => recordMappings(),
    (error: unknown) => isDmaBufError(error, 'EEXIST') && error.message.startsWith('Cannot record mappings as '),
  );
  recording.close();
  recording.close();
  recordMappings().close();
  assert.deepEqual(traceState(), before);
});

test('recordMappings() that is left early removes everything, and is not read twice', { skip }, async () => {
  const before = traceState();
  const recording = recordMappings();
  const capture = captureFrames(5);
  for await (const record of recording) {
    assert.equal(record.kind, 'mapping');
    break;
  }
  await capture;
  assert.deepEqual(traceState(), before);
  await assert.rejects(async () => {
    for await (const _ of recording) assert.fail('a record');
  }, /Cannot read a recording a second time/u);
});

test('recordMappings() with a small buffer says how many events were lost', { skip }, async () => {
  using recording = recordMappings({ bufferBytes: 64 * 1024 });
  // Nobody reads meanwhile. How many processors' buffers are filled is up to the scheduler.
  let rounds = 0;
  while (rounds < ROUNDS_MAX && droppedEvents() < LOST_ENOUGH) {
    await captureFrames(1, MANY_BUFFERS);
    rounds += 1;
  }
  const dropped = droppedEvents();
  recording.stop();
  const { summary } = await readAll(recording);
  const { countedMappings = 0, eventCount = 0 } = recording.cost ?? {};
  assert.equal(countedMappings, rounds * MANY_BUFFERS);
  assert.equal(summary.lostEvents, dropped);
  assert.ok(dropped >= LOST_ENOUGH && summary.mappings < countedMappings, JSON.stringify(summary));
  assert.ok(eventCount >= summary.lostEvents);
});

/** A few of each sort: an emulated processor takes a second to probe all. */
const FEW_FUNCTIONS = 'dma_buf_vmap\ndma_buf_vmap_unlocked\nsystem_heap_vmap\nvmap\nvmap_udmabuf\nkvfree\n';
/** With this one, what events cost is measured, by calls that are the same again and again. */
const CALIBRATION = '__do_sys_getppid\n';
/** Those up to the end of its first round. */
const CALIBRATION_CALLS = 16;

/** Those of this kernel, with other functions to probe. */
function filesWith(functions: string): TraceFiles {
  const readText = (path: string): string => (path.endsWith('_functions') ? functions : TRACE_FILES.readText(path));
  return { ...TRACE_FILES, readText };
}

/** @returns how many calls were made, where none failed */
async function recordWithFailure(failing: number, functions: string): Promise<number | undefined> {
  const before = traceState();
  const failure = new FailingTraceFiles(failing, filesWith(functions));
  let error: unknown;
  try {
    const recording = recordMappings({}, { machine: otherMachine({ root: '/' }), files: failure.files });
    recording.stop();
    await readAll(recording);
  } catch (caught) {
    error = caught;
  }
  if (failure.failedToRemove) {
    assert.notDeepEqual(traceState(), before, `call ${failing} should have removed something`);
    recordMappings({}, { machine: otherMachine({ root: '/' }), files: filesWith(functions) }).close();
  }
  assert.deepEqual(traceState(), before, `after call ${failing} failed`);
  if (failure.callCount < failing) {
    assert.equal(error, undefined);
    return failure.callCount;
  }
  assert.ok(isDmaBufError(error) || error instanceof AggregateError, `with call ${failing} failed: ${String(error)}`);
  return undefined;
}

test('recordMappings() leaves tracefs as it was, whichever call fails', { skip }, async () => {
  let callCount: number | undefined;
  for (let failing = 1; callCount === undefined; failing += 1)
    callCount = await recordWithFailure(failing, FEW_FUNCTIONS);
  assert.ok(callCount > 25, `${callCount} calls`);
  for (let failing = 1; failing <= CALIBRATION_CALLS; failing += 1)
    assert.equal(await recordWithFailure(failing, `${CALIBRATION}${FEW_FUNCTIONS}`), undefined);
});

test('dmabuf trace of a killed process is removed by the next', { skip }, async () => {
  const before = traceState();
  const child = spawn(process.execPath, [CLI_PATH, 'trace'], { stdio: 'ignore' });
  while (!String(traceState()['dynamic_events']).includes(`dmabuf_${child.pid}_0_live/vfree_return`)) await sleep(50);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.notDeepEqual(traceState(), before, 'a killed process cleans nothing up');
  recordMappings().close();
  assert.deepEqual(traceState(), before);
});

/** A program that captures, as a user would run it. */
const CAPTURE = [process.execPath, CLI_PATH, 'capture'];

test('dmabuf trace -- COMMAND reports on what the command caused, and passes on that it failed', { skip }, () => {
  const before = traceState();
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const output = '/tmp/recorded.y4m';
  const command = [...CAPTURE, path, output, '--frames', '6', '--heap', 'system'];
  const run = spawnSync(process.execPath, [CLI_PATH, 'trace', '--json', '--', ...command], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stderr, /recorded\.y4m: 6 frames/u);
  const report = JSON.parse(run.stdout) as {
    mappingCount: number;
    callers: { consumer: { name: string }; callCount: number; tasks: string[] }[];
    recording: { countedMappings: number };
  };
  assert.deepEqual([report.mappingCount, report.recording.countedMappings], [BUFFER_COUNT, BUFFER_COUNT]);
  assert.deepEqual(
    report.callers.map(({ consumer, callCount, tasks }) => [consumer.name, callCount, tasks]),
    [['videobuf2 vmalloc, vivid', BUFFER_COUNT, ['node']]],
  );
  const failed = spawnSync(process.execPath, [CLI_PATH, 'trace', '--', 'sh', '-c', 'exit 3'], { encoding: 'utf8' });
  assert.equal(failed.status, 1);
  assert.match(failed.stdout, /^No mapping of a dma-buf was found on this machine$/mu);
  assert.match(failed.stdout, /a counter in the kernel saw as many mappings: 0/u);
  assert.equal(failed.stderr, 'dmabuf: The command ended with status 3\n');
  assert.deepEqual(traceState(), before);
});

/** Started; the folder of its trace exists. */
async function startLive(
  ...words: readonly string[]
): Promise<{ child: ChildProcessByStdio<null, Readable, null>; group: string }> {
  const child = spawn(process.execPath, [CLI_PATH, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const group = `dmabuf_${child.pid}_0_live`;
  while (!readdirSync(join(TRACEFS, 'instances')).includes(group)) await sleep(20);
  return { child, group };
}

test('dmabuf callers --live ends at SIGINT with its table, and leaves tracefs as it was', { skip }, async () => {
  const before = traceState();
  const { child, group } = await startLive('callers', '--live');
  const ended = once(child, 'close');
  const stdout = text(child.stdout);
  const isRecording = join(TRACEFS, 'instances', group, 'events', group, 'dma_buf_vmap', 'enable');
  while (!isOn(isRecording)) await sleep(50);
  await captureFrames(4);
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  assert.match(await stdout, /^4 mappings by 1 call path on this machine$/mu);
  assert.match(await stdout, /exporter: system; by node$/mu);
  assert.deepEqual(traceState(), before);
});

test(
  'dmabuf callers --live that gets SIGINT while it adds probes ends as well, and leaves none',
  { skip },
  async () => {
    const before = traceState();
    const { child } = await startLive('callers', '--live');
    const ended = once(child, 'close');
    child.kill('SIGINT');
    child.stdout.resume();
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(traceState(), before);
  },
);

function isOn(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').startsWith('1');
  } catch {
    return false;
  }
}

test('dmabuf trace whose reader goes away leaves tracefs as it was', { skip }, async () => {
  const before = traceState();
  const child = spawn(process.execPath, [CLI_PATH, 'trace', '--jsonl'], { stdio: ['ignore', 'pipe', 'inherit'] });
  while (!String(traceState()['dynamic_events']).includes(`dmabuf_${child.pid}_0_live/vfree_return`)) await sleep(50);
  child.stdout.destroy();
  const ended = once(child, 'exit');
  while (child.exitCode === null) await captureFrames(4);
  await ended;
  assert.deepEqual(traceState(), before);
});
