/** `dmabuf workload`: what it lists, replays and refuses. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { runCli } from '../support/processes/run-cli.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

interface RunJson {
  readonly loads: readonly { readonly consumer: string; readonly stepCount: number }[];
  readonly report: { readonly mappingCount: number; readonly callers: readonly { readonly path: string[] }[] };
}

function runJson(name: string, ...options: readonly string[]): RunJson {
  const { status, stdout, stderr } = runCli('workload', 'run', name, '--for', '0.2', '--json', ...options);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as RunJson;
}

test('dmabuf workload lists workloads, each with a line that says what it is', () => {
  const { status, stdout } = runCli('workload');
  assert.equal(status, 0);
  const words = stdout.replaceAll(/\s+/gu, ' ');
  assert.ok(words.includes(' shadow-plane A 1080p screen of 60 commits a second, all of it damaged '), stdout);
  assert.equal(runCli('workload', 'list').stdout, stdout);
});

test('dmabuf workload show tells the sizes and rates of a workload', () => {
  const { stdout } = runCli('workload', 'show', 'capture-metadata');
  assert.match(stdout, /^capture-metadata: 60 requests a second that read 16 words of 1 MiB$/mu);
  for (const line of ['length: 1 MiB', 'buffer count: 4', 'word count: 16', 'steps per second: 60'])
    assert.ok(stdout.includes(`  ${line}\n`), `${line} in ${stdout}`);
});

test('dmabuf workload run tells who mapped and what it cost, in seconds that were given', () => {
  const { status, stdout } = runCli('workload', 'run', 'shadow-plane', '--for', '0.2');
  assert.equal(status, 0);
  // 60 commits a second.
  assert.match(stdout, /^12 mappings by 1 call path in shadow-plane, on heap system \(embedded\)/mu);
  assert.match(stdout, /^1 +12 +7\.9 MiB .* DRM shmem helper, cirrus$/mu);
  assert.match(stdout, /^ {2}drm-gem-shmem +12 /mu);
  // For 12 mappings, and for unmapping what was shown before: the last is still shown.
  assert.match(stdout, /^ {2}Reservation locks were held 23 times/mu);
});

test('dmabuf workload run --caller fixed leaves out the mappings that drivers do not need', () => {
  assert.equal(runJson('frame-processing').report.mappingCount, 18);
  assert.equal(runJson('frame-processing', '--caller', 'fixed').report.mappingCount, 0);
  assert.deepEqual(runJson('npu-sessions', '--seed', '7', '--conversion', 'entry').report.callers.length, 2);
});

test('dmabuf workload run replays the workload of a file, in the form that show --json prints', (t) => {
  const file = join(temporaryFolder(t), 'board.json');
  writeFileSync(file, runCli('workload', 'show', 'capture-metadata', '--json').stdout);
  // 60 requests a second, each of which maps.
  assert.equal(runJson(file).report.mappingCount, 12);
  const { workloads } = JSON.parse(readFileSync(file, 'utf8')) as { workloads: { loads: object[] }[] };
  const [workload] = workloads;
  assert.ok(workload !== undefined);
  workload.loads = [{ ...workload.loads[0], stepsPerSecond: 30, bufferCount: 1 }];
  writeFileSync(file, JSON.stringify(workload));
  assert.equal(runJson(file).report.mappingCount, 6);
  assert.equal(runJson(file, '--caller', 'fixed').report.mappingCount, 1);
});

test('dmabuf workload names what is wrong with a file, and where', (t) => {
  const file = join(temporaryFolder(t), 'board.json');
  const see = '"dmabuf workload show NAME --json" prints one to begin with';
  const refusal = (text: string): string => {
    writeFileSync(file, text);
    const { status, stdout, stderr } = runCli('workload', 'run', file);
    assert.deepEqual([status, stdout], [1, '']);
    return stderr;
  };
  assert.equal(refusal('{'), `dmabuf: Cannot use ${file} as a workload as it is no JSON: ${see}\n`);
  assert.equal(refusal('{}'), `dmabuf: Cannot use ${file} as a workload as name is missing: ${see}\n`);
  const { status, stderr } = runCli('workload', 'show', '/none/board.json');
  assert.deepEqual([status, stderr], [1, 'dmabuf: Cannot read /none/board.json as there is no such file\n']);
});

test('dmabuf workload run --compare has a row for each choice, with what each maps', () => {
  const { status, stdout } = runCli('workload', 'run', 'frame-processing', '--for', '1', '--compare');
  assert.equal(status, 0);
  // 30 frames a second of three buffers, in 20 runs of 50 ms: two frames each.
  const rows = [...stdout.matchAll(/^(as-is|fixed) +(page|entry) +(\d+) +\d+ +([\d.]+.*-.*)$/gmu)];
  assert.deepEqual(
    rows.map(([, caller, conversion, mappings]) => [caller, conversion, mappings]),
    [
      ['as-is', 'page', '6'],
      ['as-is', 'entry', '6'],
      ['fixed', 'page', '0'],
      ['fixed', 'entry', '0'],
    ],
    stdout,
  );
});

test('dmabuf workload costs prints what was published, with its sources', () => {
  const { status, stdout } = runCli('workload', 'costs', '--costs', 'published');
  assert.equal(status, 0);
  const words = stdout.replaceAll(/\s+/gu, ' ');
  for (const row of ['conversion by page page 1.38 2.75 5.50', 'vmap by runs, order 8 page 2.90 5.80 75.0'])
    assert.ok(words.includes(row), `${row} in ${stdout}`);
  assert.ok(
    words.includes('conversion by entry: linaro-mm-sig, April 2026: a buffer of 2 GiB on a Radxa O6, 0.232 ms'),
  );
});

test('dmabuf workload predict multiplies what is mapped with what it costs, and says what is not in it', () => {
  const { status, stdout } = runCli('workload', 'predict', 'shadow-plane', '--costs', 'published');
  assert.equal(status, 0);
  // 2,025 pages at 2.75 and 48 ns: 102.8 µs, 60 times a second. At the most, 5.5 and 1,290 ns.
  assert.match(stdout, /^ {2}drm-gem-shmem +by page +by page +51\.4 µs +103 µs +2\.62 ms +0\.31 to 16 %$/mu);
  const words = stdout.replaceAll(/\s+/gu, ' ');
  assert.ok(words.includes('then 1 call, 1 mapping of 2,025 pages a step'), stdout);
  assert.ok(words.includes('Not in it: the call with its lock,'), stdout);
});

test('dmabuf workload predict takes costs that were saved, and those of a trace', (t) => {
  const file = join(temporaryFolder(t), 'costs.json');
  writeFileSync(file, runCli('workload', 'costs', '--costs', 'published', '--json').stdout);
  const published = runCli('workload', 'predict', 'decoder', '--costs', 'published', '--json').stdout;
  assert.equal(runCli('workload', 'predict', 'decoder', '--costs', file, '--json').stdout, published);
  const see = '"dmabuf workload costs --json" prints some';
  writeFileSync(file, '{"source": "mine"}');
  assert.equal(
    runCli('workload', 'costs', '--costs', file).stderr,
    `dmabuf: Cannot use ${file} as costs as costs must have vmap, and one of byPage and byEntry: ${see}\n`,
  );
  writeFileSync(file, 'none');
  assert.equal(
    runCli('workload', 'costs', '--costs', file).stderr,
    `dmabuf: Cannot use ${file} as costs as it is no JSON: ${see}\n`,
  );
  const { status, stderr } = runCli('workload', 'costs', '--costs', 'test/fixtures/trace/function.txt');
  assert.equal(status, 1);
  assert.match(stderr, /as costs as no mapping in it has its parts and its size/u);
});

test('dmabuf workload costs measures this machine', () => {
  const { stdout } = runCli('workload', 'costs', '--json');
  const { costs } = JSON.parse(stdout) as {
    costs: Record<string, { lowNs: number; likelyNs: number; highNs: number }>;
  };
  for (const name of ['call', 'mapping', 'byPage'])
    assert.ok((costs[name]?.likelyNs ?? 0) > 0 && (costs[name]?.highNs ?? 0) >= (costs[name]?.likelyNs ?? 0), name);
});

test('dmabuf workload refuses what it cannot do, and says what it can', () => {
  for (const [args, message] of [
    [['run'], 'Cannot tell which workload is meant: "dmabuf workload list" has them'],
    [
      ['run', 'shadow-plan'],
      'Cannot find the workload "shadow-plan": did you mean shadow-plane? See "dmabuf workload list"',
    ],
    [['shadow-plane'], 'Cannot tell what to do with "shadow-plane": to replay it, write "run shadow-plane"'],
    [['play'], 'Cannot tell what to do with "play": it must be one of list, show, run, predict, costs'],
    [
      ['list', 'decoder'],
      'Cannot tell what to do with "list decoder": it must be one of list, show, run, predict, costs',
    ],
    [['run', 'decoder', 'usb-camera'], 'Cannot use "usb-camera": one workload at a time'],
    [['show', 'decoder', '--for', '5'], 'Cannot use --for without run'],
    [['show', 'decoder', '--compare'], 'Cannot use --compare without run'],
    [['predict', 'decoder', '--for', '5'], 'Cannot use --for without run'],
    [['predict'], 'Cannot tell which workload is meant: "dmabuf workload list" has them'],
    [['costs', '--caller', 'fixed'], 'Cannot use --caller without run'],
    [['run', 'decoder', '--costs', 'published'], 'Cannot use --costs without predict or costs'],
    [['list', '--costs', 'published'], 'Cannot use --costs without predict or costs'],
    [
      ['run', 'decoder', '--compare', '--caller', 'fixed'],
      'Cannot use --caller or --conversion with --compare, which takes all of them in turn',
    ],
    [['run', 'decoder', '--for', 'ever'], 'Cannot end after "ever": --for must be a number of seconds, such as 10'],
    [
      ['run', 'decoder', '--seed', '1.5'],
      'Cannot use "1.5" as --seed: it must be a whole number of at most nine digits',
    ],
    [
      ['run', 'decoder', '--heap', '../null'],
      'Cannot use "../null" as a heap as it cannot be the name of one: "dmabuf heaps" lists them',
    ],
  ] as const) {
    const { status, stdout, stderr } = runCli('workload', ...args);
    assert.deepEqual([status, stdout, stderr], [2, '', `dmabuf: ${message}\n`]);
  }
});

test('dmabuf workload run names a heap that is not there, with the remedy', () => {
  const { status, stderr } = runCli('workload', 'run', 'decoder', '--heap', 'no-such-heap', '--for', '0.1');
  assert.equal(status, 1);
  assert.match(stderr, /^dmabuf: .*no-such-heap/u);
});
