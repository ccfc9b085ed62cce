/** `dmabuf workload`: what it lists, replays and refuses. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { runCli } from '../support/processes/run-cli.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const TRACES = join(repositoryRoot, 'test/fixtures/trace');

interface RunJson {
  readonly mapping: string;
  readonly mix: string | null;
  readonly tables: { readonly orders: readonly object[] };
  readonly loads: readonly { readonly consumer: string; readonly stepCount: number }[];
  readonly variants: readonly {
    readonly caller: string;
    readonly conversion: string;
    readonly mapping: string;
    readonly mappingCount: number;
  }[];
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

test('dmabuf workload run stands beside shorter runs with each choice made otherwise', () => {
  const shown = runCli('workload', 'run', 'capture-metadata', '--for', '0.2').stdout;
  assert.match(shown, /^The same with each choice made otherwise$/mu);
  for (const choices of ['as-is +page +page', 'as-is +page +run', 'as-is +entry +page', 'fixed +page +page'])
    assert.match(shown, new RegExp(`^ {2}${choices} +\\d`, 'mu'));
  const { variants } = runJson('frame-processing', '--caller', 'fixed', '--mapping', 'run');
  assert.deepEqual(
    variants.map(({ caller, conversion, mapping }) => `${caller} ${conversion} ${mapping}`),
    ['fixed page run', 'as-is page run', 'fixed page page', 'fixed entry run'],
  );
  assert.deepEqual(
    variants.map(({ mappingCount }) => mappingCount > 0),
    [false, true, false, false],
  );
});

test('parts of a replay have no tracer in them, and those of a trace say that they have', (t) => {
  const replayed = runCli('workload', 'run', 'always-on-vision', '--for', '0.2').stdout;
  assert.match(replayed, /^ {2} *[\d.]+ [mµ]?s +\d+ % {2}sg table to pages$/mu);
  assert.doesNotMatch(replayed, /tracer/u);
  const path = join(temporaryFolder(t), 'trace.txt');
  const inside = ' 0)   2.000 us    |      vmalloc_noprof();\n 0)   0.500 us    |      vmap();\n';
  const heap = ` 0)               |    system_heap_vmap() {\n${inside} 0)   16.500 us   |    }\n`;
  writeFileSync(path, ` 0)               |  dma_buf_vmap() {\n${heap} 0)   20.000 us   |  }\n`);
  const traced = runCli('trace', 'report', path).stdout;
  assert.match(traced, /^ {2}14\.0 µs +70 % {2}sg table to pages \(with the tracer\)$/mu);
  assert.match(traced, /the tracer's cost is in it/u);
});

test('dmabuf workload run tells of loads in threads what each mapped, and how long it waited', () => {
  const { status, stdout } = runCli('workload', 'run', 'model-load-beside', '--for', '0.5');
  assert.equal(status, 0);
  // 2 and 200 a second.
  assert.match(stdout, /^ {2}apusys-map +1 +\d+ +[\d.]+ [a-zµ]+ +1 +256 MiB$/mu);
  assert.match(stdout, /^ {2}apusys-map +100 +\d+ +[\d.]+ [a-zµ]+ +100 +100 MiB$/mu);
  assert.match(stdout, /^ {2}CONSUMER +LOCK +HELD +WAITS +MEDIAN +99 % +LONGEST$/mu);
  assert.equal([...stdout.matchAll(/^ {2}apusys-map +driver /gmu)].length, 2, stdout);
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
  const { status, stdout } = runCli('workload', 'run', 'frame-processing', '--for', '2', '--compare');
  assert.equal(status, 0);
  // 30 frames a second of three buffers, in 40 runs of 50 ms: two frames each.
  const rows = [...stdout.matchAll(/^(as-is|fixed) +(page|entry) +(page|run) +(\d+) +\d+ +([\d.,]+-[\d.,]+ .*)$/gmu)];
  assert.deepEqual(
    rows.map((row) => row.slice(1, 5).join(' ')),
    [
      'as-is page page 6',
      'as-is page run 6',
      'as-is entry page 6',
      'as-is entry run 6',
      'fixed page page 0',
      'fixed page run 0',
      'fixed entry page 0',
      'fixed entry run 0',
    ],
    stdout,
  );
  assert.ok(
    stdout.split('\n').every((line) => line.length <= 80),
    stdout,
  );
});

test('dmabuf workload run --mapping and --mix are told in the report, with the layouts that were seen', () => {
  const { status, stdout } = runCli('workload', 'run', 'task-fences', '--for', '0.1', '--mix', 'single-pages');
  assert.equal(status, 0);
  const words = stdout.replaceAll(/\s+/gu, ' ');
  assert.match(words, /drivers as they are, converted by page, page-table entries made by page /u);
  // 16 buffers of 64 KiB, each of 16 pages.
  assert.match(words, / 16 buffers \(mix single-pages\): 256 entries in 256 runs, 256 of order 0\. /u);
  const json = runJson('task-fences', '--mapping', 'run', '--mix', 'fresh');
  assert.deepEqual([json.mapping, json.mix], ['run', 'fresh']);
  // A chunk of order 4 is all that 64 KiB hold.
  assert.deepEqual(json.tables.orders, [{ order: 4, entryCount: 16 }]);
});

test('dmabuf workload from-trace prints a workload that run takes, and tells what the trace does not', (t) => {
  const { status, stdout, stderr } = runCli('workload', 'from-trace', join(TRACES, 'events-fprobe.txt'));
  assert.equal(status, 0);
  assert.deepEqual(stderr.split('\n'), [
    'dmabuf: vb2-vmalloc: the trace does not name the driver: "unknown"',
    'dmabuf: vb2-vmalloc: its mappings end: 30 steps a second, as in usb-camera',
    '',
  ]);
  const file = join(temporaryFolder(t), 'vivid.json');
  writeFileSync(file, stdout);
  const { report, loads } = runJson(file);
  // Six frames, whose four buffers stay mapped.
  assert.deepEqual([loads[0]?.stepCount, report.mappingCount], [6, 4]);
  assert.deepEqual(report.callers[0]?.path.slice(0, 3), [
    'dma_buf_vmap',
    'dma_buf_vmap_unlocked',
    'vb2_vmalloc_map_dmabuf',
  ]);
});

test('dmabuf workload from-trace names why a trace gives no workload, and the remedy', (t) => {
  const file = join(temporaryFolder(t), 'log.txt');
  const refusal = (text: string): string => {
    writeFileSync(file, text);
    const { status, stdout, stderr } = runCli('workload', 'from-trace', file);
    assert.deepEqual([status, stdout], [1, '']);
    return stderr;
  };
  const cannot = `dmabuf: Cannot make a workload of ${file} as`;
  assert.equal(refusal('nothing\n'), `${cannot} nobody maps a dma-buf in it: "dmabuf trace" records who does\n`);
  assert.equal(
    refusal('[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130\n'),
    `${cannot} it has no stacks, which tell who maps: "dmabuf trace" records them\n`,
  );
  assert.equal(
    refusal('[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130\n[ 6.689861] my_driver_map+0x310/0x718 [mine]\n'),
    `${cannot} no consumer mirrors who maps in it (mine, my_driver_map): write one by hand, beginning with what ` +
      '"dmabuf workload show NAME --json" prints\n',
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
    [['play'], 'Cannot tell what to do with "play": it must be one of list, show, run, from-trace, predict, costs'],
    [
      ['list', 'decoder'],
      'Cannot tell what to do with "list decoder": it must be one of list, show, run, from-trace, predict, costs',
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
      'Cannot use --caller, --conversion or --mapping with --compare, which takes all in turn',
    ],
    [
      ['run', 'decoder', '--compare', '--mapping', 'run'],
      'Cannot use --caller, --conversion or --mapping with --compare, which takes all in turn',
    ],
    [['from-trace'], 'Cannot tell which trace is meant: give a FILE, or - for standard input'],
    [['from-trace', 'a.txt', '--for', '5'], 'Cannot use --for without run'],
    [['show', 'decoder', '--mix', 'aged'], 'Cannot use --mix without run'],
    [
      ['run', 'decoder', '--mix', 'aged', '--heap', 'udmabuf'],
      'Cannot use --mix with heap "udmabuf" as the kernel decides which pages it gives: leave --heap out for an embedded heap',
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
