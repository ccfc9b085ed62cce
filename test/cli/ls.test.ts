import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { CLI_PATH, runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ITERATOR_TEXT = '7\n8388608\nframe \u001B[2J\nsystem\n6\n4096\n\nudmabuf\n';

function pinnedIterator(folder: string, text = ITERATOR_TEXT): string {
  const path = join(folder, 'iterator');
  writeFileSync(path, text);
  return path;
}

function assertRefused(args: readonly string[], status: number, message: RegExp): void {
  const result = runCli('ls', ...args);
  assert.deepEqual([result.status, result.stdout], [status, ''], result.stderr);
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^dmabuf: [^\n]+\n$/u);
}

test('dmabuf ls names its sources, and fits 80 columns', () => {
  const { status, stdout, stderr } = runCli('ls');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^Buffers: (?:none|debugfs, |bpf, |sysfs, )/mu);
  assert.match(stdout, /^Holders: procfs, \/proc of \d+ processes$/mu);
  const help = runCli('ls', '--help').stdout;
  for (const option of ['--by', '--json', '--bpf', '--watch', '--count', '--save', '--diff'])
    assert.ok(help.includes(option));
  assert.deepEqual(
    [...stdout.split('\n'), ...help.split('\n')].filter((line) => line.length > 80),
    [],
  );
});

test('dmabuf ls --bpf reads an iterator, and lets no name drive the terminal', (t) => {
  const pin = pinnedIterator(temporaryFolder(t));
  const { status, stdout } = runCli('ls', '--bpf', pin);
  assert.equal(status, 0);
  assert.ok(!stdout.includes('\u001B'));
  assert.match(stdout, /^ +7 +8 MiB +system +frame \\u001b\[2J$/mu);
  assert.ok(stdout.includes(`Buffers: bpf, ${pin}\n`));
});

test('dmabuf ls --json prints one object with sources, buffers, processes and totals', (t) => {
  const { status, stdout } = runCli('ls', '--json', '--bpf', pinnedIterator(temporaryFolder(t)));
  assert.equal(status, 0);
  const { sources, buffers, totals } = JSON.parse(stdout) as {
    sources: { buffers: { source: string } };
    buffers: { inode: number; size: number; name: string | null; references: number | null }[];
    totals: { bytes: number };
  };
  assert.equal(sources.buffers.source, 'bpf');
  const frame = buffers.find(({ name }) => name === 'frame \u001B[2J');
  assert.deepEqual([frame?.inode, frame?.size, frame?.references], [7, 8_388_608, null]);
  assert.ok(totals.bytes >= 8_388_608 + 4096);
});

test('dmabuf ls --save and --diff tell what came and went between', (t) => {
  const folder = temporaryFolder(t);
  const saved = join(folder, 'before.json');
  const pin = pinnedIterator(folder);
  const { stdout } = runCli('ls', '--json', '--bpf', pin, '--save', saved);
  assert.equal(readFileSync(saved, 'utf8'), stdout);
  pinnedIterator(folder, ITERATOR_TEXT.replace('6\n4096', '9\n16384'));
  const difference = runCli('ls', '--bpf', pin, '--diff', saved);
  assert.equal(difference.status, 0);
  assert.match(difference.stdout, /1 new \(16 KiB\), 1 gone \(4 KiB\), 0 held differently/u);
  const { newBuffers, goneBuffers } = JSON.parse(runCli('ls', '--json', '--bpf', pin, '--diff', saved).stdout) as {
    newBuffers: { inode: number }[];
    goneBuffers: { inode: number }[];
  };
  assert.deepEqual([newBuffers.map(({ inode }) => inode), goneBuffers.map(({ inode }) => inode)], [[9], [6]]);
});

test('dmabuf ls --watch --count ends after that many readings', (t) => {
  const pin = pinnedIterator(temporaryFolder(t));
  const { status, stdout } = runCli('ls', '--watch=0.05', '--count', '3', '--by', 'exporter', '--bpf', pin);
  assert.equal(status, 0);
  const blocks = stdout.split('\n\n');
  assert.equal(blocks.length, 3);
  for (const block of blocks) assert.match(block, /^\S+Z: 2 buffers, 8\.0 MiB; growth since \S+Z\n/u);
});

test('dmabuf ls --watch shows the growth, and Ctrl-C ends it with status 0', async (t) => {
  const folder = temporaryFolder(t);
  const pin = pinnedIterator(folder);
  const child = spawn(process.execPath, [
    CLI_PATH,
    'ls',
    '--watch',
    '0.05',
    '--json',
    '--by',
    'exporter',
    '--bpf',
    pin,
  ]);
  const ended = once(child, 'exit');
  let growth: { group: { key: string }; bytes: number }[] = [];
  for await (const line of createInterface(child.stdout)) {
    ({ growth } = JSON.parse(line) as { growth: typeof growth });
    if (growth.some(({ bytes }) => bytes !== 0)) break;
    pinnedIterator(folder, `${ITERATOR_TEXT}8\n4096\n\nudmabuf\n`);
  }
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  assert.deepEqual(
    growth.map(({ group, bytes }) => [group.key, bytes]),
    [
      ['udmabuf', 4096],
      ['system', 0],
    ],
  );
});

test('dmabuf ls refuses what it cannot do, in one line', (t) => {
  const folder = temporaryFolder(t);
  const broken = join(folder, 'broken.json');
  writeFileSync(broken, '{}');
  assertRefused(['--by', 'owner'], 2, /"owner" as it must be one of buffer, process, exporter/u);
  assertRefused(['5'], 2, /"5"/u);
  assertRefused(['--watch', 'soon'], 2, /"soon"/u);
  assertRefused(['--watch=0'], 2, /"0"/u);
  assertRefused(['--watch', '1', '--count', '0'], 2, /"0".*whole number from 1/u);
  assertRefused(['--count', '2'], 2, /--count.*--watch/u);
  assertRefused(['--watch', '--diff', broken], 2, /--diff/u);
  assertRefused(['--bpf', join(folder, 'absent')], 1, /absent.*ENOENT/u);
  assertRefused(['--bpf', broken], 1, /four lines/u);
  assertRefused(['--diff', join(folder, 'absent')], 1, /absent/u);
  assertRefused(['--diff', broken], 1, /no list of buffers.*"dmabuf ls --save FILE"/u);
  assertRefused(['--save', join(folder, 'absent/file')], 1, /Cannot write/u);
});
