import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { missingGStreamer } from '../support/processes/gstreamer-root.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { join } from 'node:path';

const BENCH_PATH = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const CHART_PATH = join(repositoryRoot, 'docs/conversion.svg');

interface JsonRow {
  readonly subject: string;
  readonly ours: string;
  readonly oursNs: number | null;
  readonly peer: string;
  readonly peerNs: number | null;
  readonly ratio: number | null;
  readonly target?: number;
  readonly differenceNsMax?: number;
  readonly oursNsMax?: number;
  readonly peerBetweenNs?: readonly [number, number];
  readonly reached: boolean | null;
}

interface JsonReport {
  readonly machine: Record<string, unknown>;
  readonly peers: Record<string, { command?: string; missingBecause?: string }>;
  readonly rows: readonly JsonRow[];
  readonly chart: string | null;
}

function runBench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, ['--expose-gc', BENCH_PATH, ...args], { encoding: 'utf8', env });
}

/** Run with little of everything. */
function benchQuickly(env?: NodeJS.ProcessEnv): JsonReport {
  const { status, stdout, stderr } = runBench(['--quick', '--json'], env);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return JSON.parse(stdout) as JsonReport;
}

function assertRow(row: JsonRow): void {
  for (const text of [row.subject, row.ours, row.peer]) assert.ok(text.length > 0);
  if (row.oursNs === null) {
    // With its reason, and without a verdict.
    assert.match(row.ours, /^n\/a: ./u);
    assert.deepEqual([row.peerNs, row.ratio, row.reached], [null, null, null]);
    return;
  }
  assert.ok(row.oursNs > 0);
  assert.ok(row.target === undefined || row.target > 0);
  assert.ok(row.differenceNsMax === undefined || row.differenceNsMax > 0);
  if (row.peerNs === null) assert.equal(row.ratio, null);
  else {
    assert.ok(row.peerNs > 0);
    assert.equal(row.ratio, row.peerNs / row.oursNs);
  }
}

/** What is measured, in the order of measuring: the subjects up to their first comma or colon. */
function subjectsOf({ rows }: JsonReport): string[] {
  return [...new Set(rows.map(({ subject }) => /^[^,:(]+/u.exec(subject)?.[0].trim() ?? ''))];
}

const SUBJECTS = [
  'sg to pages',
  'vmap',
  'a buffer of 8 MiB',
  'huge pages',
  'a call without arguments',
  'a system call of 3 arguments that is refused',
  'a system call of 6 arguments that is refused',
  'a frame handed to another process',
  'a heap buffer',
  'a camera',
  'in the kernel',
  'a listing in memory',
  'a listing read from files',
  '1080p YUYV to XRGB8888',
  '1080p NV12 to XRGB8888',
  '1080p YUYV',
  '1080p XRGB8888',
  'processor time of a 1080p NV12 frame from a pipeline',
  'processor time of a 1080p RGBx frame to a pipeline',
  "a heap's picture",
  "the lab's first picture",
  'a buffer that comes and goes in the heap of the lab',
  '1 MB of function_graph',
  'a fleet',
  'mappings of a step of task-fences',
  'start-up',
];

test('bench --quick --json measures every subject beside its peer, and leaves the chart alone', () => {
  // Fetching it is told on stderr.
  missingGStreamer();
  const chartBefore = statSync(CHART_PATH, { throwIfNoEntry: false })?.mtimeMs;
  const report = benchQuickly();
  assert.deepEqual(Object.keys(report.machine), [
    'cpu',
    'coreCount',
    'architecture',
    'memoryBytes',
    'kernel',
    'node',
    'pinnedToCore',
  ]);
  assert.deepEqual(Object.keys(report.peers), [
    'conversion',
    'conversionNative',
    'vmap',
    'memfd',
    'addon',
    'dmaHeap',
    'camera',
    'hugePages',
    'blit',
    'blitNative',
  ]);
  assert.deepEqual(subjectsOf(report), SUBJECTS);
  for (const row of report.rows) assertRow(row);
  for (const row of report.rows)
    assert.equal(
      row.reached === null,
      [row.target, row.differenceNsMax, row.oursNsMax, row.peerBetweenNs].every((each) => each === undefined) ||
        row.peerNs === null,
    );
  const missing = Object.values(report.peers).some(({ missingBecause }) => missingBecause !== undefined);
  assert.equal(
    report.rows.some(({ oursNs, peerNs }) => oursNs !== null && peerNs === null),
    missing,
  );
  assert.equal(report.chart, null);
  assert.equal(statSync(CHART_PATH, { throwIfNoEntry: false })?.mtimeMs, chartBefore);
});

test('bench measures the rows without C where there is no compiler, with the reason for the others', () => {
  const report = benchQuickly({ ...process.env, PATH: '/nonexistent', CC: '/nonexistent/cc' });
  for (const { missingBecause } of Object.values(report.peers))
    assert.match(missingBecause ?? '', /^(?:no C compiler|Node's headers)/u);
  assert.deepEqual(subjectsOf(report), SUBJECTS);
  for (const row of report.rows) assertRow(row);
  const measuredPeers = new Set(
    report.rows.filter(({ peerNs }) => peerNs !== null).map(({ peer }) => peer.split(' ')[0]),
  );
  assert.deepEqual(
    [...measuredPeers],
    ['page', 'fresh', 'child_process', 'twice', 'the', 'a', 'nobody', 'as', 'measured', 'node'],
  );
});

test('bench --only measures one subject, as a table', () => {
  const { status, stdout, stderr } = runBench(['--only', 'border', '--quick']);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /^machine {5}\S/u);
  assert.match(stdout, /^a system call of 3 arguments/mu);
  assert.doesNotMatch(stdout, /vmap,/u);
});

test('bench refuses unknown arguments with status 2 and a line on stderr', () => {
  for (const args of [['--only', 'everything'], ['--fast'], ['border']]) {
    const { status, stdout, stderr } = runBench(args);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^[^\n]+\n$/u);
  }
  assert.match(runBench(['--only', 'everything']).stderr, /conversion, vmap, allocation, huge-pages, border/u);
});

test('bench --help lists the options', () => {
  const { status, stdout } = runBench(['--help']);
  assert.equal(status, 0);
  for (const option of ['--only', '--quick', '--json']) assert.ok(stdout.includes(option));
});
