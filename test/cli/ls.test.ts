import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { readBufferSnapshot } from '../../src/machine/buffers/read-snapshot.ts';
import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const ITERATOR_TEXT = '7\n8388608\nframe \u001B[2J\nsystem\n6\n4096\n\nudmabuf\n';

/** Whoever reads it meanwhile has the older text or this one, and no part of either. */
function pinnedIterator(folder: string, text = ITERATOR_TEXT): string {
  const path = join(folder, 'iterator');
  writeFileSync(`${path}.next`, text);
  renameSync(`${path}.next`, path);
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
  assert.match(stdout, /^Buffers: (?:none|debugfs, |procfs, |bpf, |sysfs, )/mu);
  assert.match(stdout, /^Holders: procfs, \/proc of \d+ processes$/mu);
  const help = runCli('ls', '--help').stdout;
  for (const option of ['--by', '--json', '--bpf', '--bufinfo', '--watch', '--count', '--save', '--diff'])
    assert.ok(help.includes(option));
  assert.deepEqual(
    [...stdout.split('\n'), ...help.split('\n')].filter((line) => line.length > 80),
    [],
  );
});

test('dmabuf ls --bpf reads an iterator, and escapes names that would control the terminal', (t) => {
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
  assert.match(difference.stdout, /1 new \(16 KiB\), 1 gone \(4 KiB\), 0 held\sdifferently/u);
  const { newBuffers, goneBuffers } = JSON.parse(runCli('ls', '--json', '--bpf', pin, '--diff', saved).stdout) as {
    newBuffers: { inode: number }[];
    goneBuffers: { inode: number }[];
  };
  assert.deepEqual([newBuffers.map(({ inode }) => inode), goneBuffers.map(({ inode }) => inode)], [[9], [6]]);
});

/** What Linux 4.19 writes (dma_buf_debug_show). */
const OLD_BUFINFO = [
  '',
  'Dma-buf Objects:',
  'size    \tflags   \tmode    \tcount   \texp_name',
  '08294400\t00000002\t00000007\t00000003\tdrm \u001B[2J',
  '\tAttached Devices:',
  '\tvop',
  'Total 1 devices attached',
  '',
  '',
  'Total 1 objects, 8294400 bytes',
  '',
].join('\n');

test('dmabuf ls --bufinfo reads a saved list of an older kernel, and no process of this machine', (t) => {
  const path = join(temporaryFolder(t), 'bufinfo');
  writeFileSync(path, OLD_BUFINFO);
  const { status, stdout, stderr } = runCli('ls', '--bufinfo', path);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^ +- +7\.9 MiB +drm \\u001b\[2J +-\n +holders not known, attached to vop$/mu);
  assert.ok(stdout.includes(`\nBuffers: file, ${path}\nHolders: none\n`));
  const { buffers, totals } = JSON.parse(runCli('ls', '--json', '--bufinfo', path).stdout) as {
    buffers: { inode: number | null; size: number; references: number; devices: string[]; holders: unknown[] }[];
    totals: { heldOnlyByKernelBytes: number | null };
  };
  assert.equal(totals.heldOnlyByKernelBytes, null);
  const [only] = buffers;
  assert.deepEqual(
    [buffers.length, only?.inode, only?.size, only?.references, only?.devices, only?.holders],
    [1, null, 8_294_400, 3, ['vop'], []],
  );
});

test('dmabuf ls --bufinfo compares two saved lists that have no inodes', (t) => {
  const folder = temporaryFolder(t);
  const [path, saved] = [join(folder, 'bufinfo'), join(folder, 'before.json')];
  writeFileSync(path, OLD_BUFINFO);
  assert.equal(runCli('ls', '--bufinfo', path, '--save', saved).status, 0);
  const row =
    '08294400\t00000002\t00000007\t00000003\tdrm \u001B[2J\n\tAttached Devices:\nTotal 0 devices attached\n\n';
  writeFileSync(
    path,
    OLD_BUFINFO.replace('\n08294400', `\n${row}08294400`).replace('Total 1 objects', 'Total 2 objects'),
  );
  const { status, stdout } = runCli('ls', '--bufinfo', path, '--diff', saved);
  assert.equal(status, 0);
  assert.match(stdout, /1 new \(7\.9 MiB\), 0 gone \(0 B\), 0 held\sdifferently/u);
});

test(
  'dmabuf ls does not claim that the kernel alone holds no buffers, where it has no list of the kernel',
  { skip: whyListed() },
  () => {
    const { totals } = JSON.parse(runCli('ls', '--json').stdout) as {
      totals: { heldOnlyByKernelBytes: number | null; heldOnlyByKernelCount: number | null };
    };
    assert.deepEqual([totals.heldOnlyByKernelBytes, totals.heldOnlyByKernelCount], [null, null]);
    const { stdout } = runCli('ls');
    assert.match(stdout.replaceAll('\n', ' '), /what only the kernel holds cannot be known/u);
    assert.doesNotMatch(stdout, /^No dma-bufs\.$|held only by the kernel/mu);
    // What other processes hold may change from one run to the next.
    assert.match(stdout, /^(?:No process that was read holds a dma-buf; | *INODE )/u);
  },
);

function whyListed(): string | false {
  const { sources } = readBufferSnapshot();
  return sources.buffers === null ? false : `this machine has a list: ${sources.buffers.path}`;
}

test('dmabuf ls --watch --count ends after that many readings', (t) => {
  const pin = pinnedIterator(temporaryFolder(t));
  const { status, stdout } = runCli('ls', '--watch=0.05', '--count', '3', '--by', 'exporter', '--bpf', pin);
  assert.equal(status, 0);
  const blocks = stdout.split('\n\n');
  assert.equal(blocks.length, 3);
  for (const block of blocks) assert.match(block, /^\S+Z: 2 buffers, 8\.0 MiB; growth since\s\S+Z\n/u);
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

test('dmabuf ls refuses impossible requests, in one line', (t) => {
  const folder = temporaryFolder(t);
  const broken = join(folder, 'broken.json');
  writeFileSync(broken, '{}');
  assertRefused(['--by', 'owner'], 2, /"owner" for --by as it must be one of buffer, process, exporter/u);
  assertRefused(['5'], 2, /"5"/u);
  assertRefused(['--watch', 'soon'], 2, /"soon"/u);
  assertRefused(['--watch=0'], 2, /"0"/u);
  assertRefused(['--watch', '1', '--count', '0'], 2, /"0".*whole number from 1/u);
  assertRefused(['--count', '2'], 2, /--count.*--watch/u);
  assertRefused(['--watch', '--diff', broken], 2, /--diff/u);
  assertRefused(['--bpf', broken, '--bufinfo', broken], 2, /--bpf with --bufinfo/u);
  assertRefused(['--bufinfo', join(folder, 'absent')], 1, /absent as there is no such file$/mu);
  assertRefused(['--bufinfo', broken], 1, /list of dma-bufs.*known formats/u);
  assertRefused(['--bpf', join(folder, 'absent')], 1, /absent as there is no such file$/mu);
  assertRefused(['--bpf', broken], 1, /four lines/u);
  assertRefused(['--diff', join(folder, 'absent')], 1, /absent/u);
  assertRefused(['--diff', broken], 1, /no list of buffers.*"dmabuf ls --save FILE"/u);
  assertRefused(
    ['--save', join(folder, 'absent/file')],
    1,
    /Cannot write .* as the folder that it is to be in does not exist/u,
  );
});
