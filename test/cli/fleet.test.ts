/** `dmabuf trace export --parquet`, and `dmabuf trace report` over such files. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchemaObject } from 'ajv/dist/2020.js';

import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import type { CliResult } from '../support/processes/run-cli.ts';
import { until } from '../support/runner/settled.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder, writeFiles } from '../support/runner/temporary-folder.ts';
import { duckdbScope, lackOfDuckdb } from '../support/traces/duckdb.ts';
import { installCommand } from '../support/traces/installed-command.ts';

const TRACES = join(repositoryRoot, 'test/fixtures/trace');
const EVENTS = join(TRACES, 'events-fprobe.txt');
const GRAPH = join(TRACES, 'function-graph.txt');
const MAIL = join(TRACES, 'mail-call-traces.txt');

function mustExport(...args: readonly string[]): void {
  assert.deepEqual(runCli('trace', 'export', ...args), { status: 0, stdout: '', stderr: '' });
}

/** Two devices and two builds; one file has a name that does not tell what it is. */
function writeFleet(folder: string): void {
  mkdirSync(join(folder, 'newer'));
  mustExport('--parquet', join(folder, 'cam-1.parquet'), '--device', 'cam-1', '--build', '1.0', EVENTS, MAIL);
  mustExport('--parquet', join(folder, 'newer/cam-1.parquet'), '--device', 'cam-1', '--build', '2.0', EVENTS, EVENTS);
  mustExport('--parquet', join(folder, 'newer/cam-2.parquet'), '--device', 'cam-2', '--build', '2.0', GRAPH);
  copyFileSync(join(folder, 'cam-1.parquet'), join(folder, 'recording'));
}

const installed = (t: TestContext): ((...args: readonly string[]) => CliResult) =>
  installCommand(t, { '@duckdb': duckdbScope() });

test('dmabuf trace report tells who maps in a folder of Parquet files', { skip: lackOfDuckdb }, (t) => {
  const folder = temporaryFolder(t);
  writeFleet(folder);
  const { status, stdout, stderr } = installed(t)('trace', 'report', folder, '--since', '1.0');
  assert.deepEqual([status, stderr], [0, '']);
  const lines = stdout.split('\n');
  for (const line of [
    '18 mappings in 3 files',
    'Call paths',
    'Growth of mappings from 1.0 to 2.0, per second of a device',
    'How long one mapping takes',
    'Devices',
  ])
    assert.ok(lines.includes(line), `${line}\nis not in\n${stdout}`);
  assert.match(stdout, /^2 devices; builds 1\.0, 2\.0; 5 recordings; 110 s recorded$/mu);
  assert.match(stdout, /^ {2}\d {2}dma_buf_vmap_unlocked ← aov_core_init ← mtk_aov_probe$/mu);
  assert.match(stdout, /^ {2}\S+ +\S+\/s +\S+\/s .*videobuf2 vmalloc$/mu);
  assert.ok(lines.every((line) => line.length <= 80));
});

test('dmabuf trace report --json of Parquet files prints what its schema says', { skip: lackOfDuckdb }, (t) => {
  const folder = temporaryFolder(t);
  writeFleet(folder);
  const path = join(repositoryRoot, 'docs/schemas/dmabuf-fleet.schema.json');
  const validate = new Ajv2020({ strict: true }).compile(JSON.parse(readFileSync(path, 'utf8')) as AnySchemaObject);
  const run = installed(t);
  for (const args of [[folder, '--since', '1.0'], [join(folder, 'recording')], [join(folder, 'newer/*.parquet')]]) {
    const { status, stdout } = run('trace', 'report', ...args, '--json');
    assert.equal(status, 0);
    const value = JSON.parse(stdout) as { sources: string[]; growth?: { buildTo: string } };
    assert.ok(validate(value), JSON.stringify(validate.errors));
    assert.deepEqual([value.sources, value.growth?.buildTo], [[args[0]], args.length > 1 ? '2.0' : undefined]);
  }
});

test(
  'dmabuf trace report tells a file that is no Parquet file, and a build that is not there',
  { skip: lackOfDuckdb },
  (t) => {
    const folder = temporaryFolder(t);
    writeFleet(folder);
    const run = installed(t);
    const broken = join(folder, 'broken.parquet');
    writeFileSync(broken, readFileSync(join(folder, 'cam-1.parquet')).subarray(0, 2000));
    assert.deepEqual(run('trace', 'report', broken), {
      status: 1,
      stdout: '',
      stderr: `dmabuf: Cannot read ${broken} as it is damaged: its end is missing, or is not one\n`,
    });
    assert.deepEqual(run('trace', 'report', join(folder, 'newer'), '--since', '1.0'), {
      status: 1,
      stdout: '',
      stderr: 'dmabuf: Cannot compare builds as no file is of the build 1.0: the files have 2.0\n',
    });
  },
);

test('dmabuf trace report and export name the packages that are missing, and the commands that install them', (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, 'out.parquet');
  mustExport('--parquet', out, EVENTS);
  const run = installCommand(t, {});
  assert.deepEqual(run('trace', 'report', out), {
    status: 1,
    stdout: '',
    stderr:
      'dmabuf: Cannot read Parquet files as the package @duckdb/node-api is not installed beside dmabuf: npm install @duckdb/node-api\n',
  });
  assert.deepEqual(run('trace', 'export', '--parquet', join(folder, 'other.parquet'), EVENTS), {
    status: 1,
    stdout: '',
    stderr:
      'dmabuf: Cannot write a Parquet file as the package hyparquet-writer is not installed beside dmabuf: npm install hyparquet-writer\n',
  });
  assert.deepEqual(readdirSync(folder), ['out.parquet']);
});

test('dmabuf trace report says of a folder without Parquet files what to do, before it asks for a package', (t) => {
  const folder = temporaryFolder(t);
  copyFileSync(EVENTS, join(folder, 'trace.txt'));
  const run = installCommand(t, {});
  assert.deepEqual(run('trace', 'report', folder), {
    status: 1,
    stdout: '',
    stderr: `dmabuf: Cannot read ${folder} as no file in it has a name that ends in .parquet: "dmabuf trace export --parquet" writes them\n`,
  });
  const missing = join(folder, 'missing.parquet');
  assert.deepEqual(run('trace', 'report', missing), {
    status: 1,
    stdout: '',
    stderr: `dmabuf: Cannot read ${missing} as there is no such file\n`,
  });
});

test('dmabuf trace export says of a package that cannot be loaded why, in a line', (t) => {
  const folder = temporaryFolder(t);
  writeFiles(folder, { 'index.js': "throw new Error('built for another machine\\nand more');" });
  const run = installCommand(t, { 'hyparquet-writer': folder });
  assert.deepEqual(run('trace', 'export', '--parquet', join(folder, 'out.parquet'), EVENTS), {
    status: 1,
    stdout: '',
    stderr:
      'dmabuf: Cannot write a Parquet file as the package hyparquet-writer cannot be loaded, so install it anew: built for another machine\n',
  });
});

test('dmabuf trace refuses options that do not go together', (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, 'out.parquet');
  mustExport('--parquet', out, EVENTS);
  for (const [args, message] of [
    [
      ['export', '--parquet', out, '--form', 'chrome', EVENTS],
      'Cannot use --form with --parquet: leave one of them out',
    ],
    [['export', '--device', 'a', EVENTS], 'Cannot use --device or --build with export as they go with --parquet OUT'],
    [
      ['export', '--parquet', out, '--build', '', EVENTS],
      'Cannot use --build as its ID is empty: is a variable of the shell unset?',
    ],
    [['export', '--since', '1', EVENTS], 'Cannot use --since with export as it goes with report'],
    [['report', '--parquet', out, EVENTS], 'Cannot use --parquet with report as it goes with export'],
    [
      ['export', '--form', 'chrome', EVENTS, out],
      `Cannot export ${out} as it is a Parquet file: give the trace that it was made of`,
    ],
    [['report', '--build', '1', out], 'Cannot use --build with report as it goes with --since: give both'],
    [['report', '--since', '1', EVENTS], 'Cannot use --since with traces: export them with --parquet first'],
    [
      ['report', '--jsonl', out],
      'Cannot use --jsonl, --html, --by-page-ns or --by-entry-ns with Parquet files: leave them out',
    ],
    [
      ['report', EVENTS, out],
      'Cannot report on Parquet files and traces at once: export the traces with --parquet first',
    ],
  ] as const)
    assert.deepEqual(runCli('trace', ...args), { status: 2, stdout: '', stderr: `dmabuf: ${message}\n` });
});

test('dmabuf trace export --parquet says what it cannot read or write', (t) => {
  const folder = temporaryFolder(t);
  for (const [args, message] of [
    [
      [join(folder, 'no/out.parquet'), EVENTS],
      `Cannot write ${folder}/no/out.parquet as the folder that it is to be in does not exist`,
    ],
    [[join(folder, 'out.parquet'), join(folder, 'no')], `Cannot read ${folder}/no as there is no such file`],
    [['/dev/null', EVENTS], 'Cannot write to /dev/null as it is no ordinary file: name another one'],
  ] as const)
    assert.deepEqual(runCli('trace', 'export', '--parquet', ...args), {
      status: 1,
      stdout: '',
      stderr: `dmabuf: ${message}\n`,
    });
  assert.deepEqual(readdirSync(folder), []);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`dmabuf trace export --parquet leaves nothing behind at ${signal}, though its source stays silent`, async (t) => {
    const folder = temporaryFolder(t);
    const args = [CLI_PATH, 'trace', 'export', '--parquet', join(folder, 'out.parquet'), '-'];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    child.stdin.write(readFileSync(EVENTS));
    await until(() => readdirSync(folder).some((name) => name.endsWith('.partial')));
    const ended = once(child, 'exit');
    child.kill(signal);
    assert.deepEqual(await ended, [1, null]);
    assert.deepEqual(readdirSync(folder), []);
  });
}
