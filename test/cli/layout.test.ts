import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { toByteLength } from '../../src/base/quantities.ts';
import { MemoryCalls } from '../../src/linux/calls/memory-calls.ts';
import { MiB, openHeap } from '../../src/index.ts';
import type { OwnedFd } from '../../src/index.ts';
import { cannotSeePfns } from '../support/devices/layout-rights.ts';
import { CLI_PATH, runCli } from '../support/processes/run-cli.ts';

interface Report {
  readonly buffer: {
    readonly inode: number;
    readonly exporter: string;
    readonly name: string;
    readonly length: number;
  };
  readonly layout: {
    readonly known: boolean;
    readonly source: string;
    readonly pageSize: number;
    readonly entryCount: number;
    readonly runCount: number;
    readonly orders: readonly { readonly order: number; readonly entryCount: number }[];
    readonly largestRunBytes: number;
    readonly runs: readonly { readonly pfn: number; readonly bytes: number }[];
  };
}

/** A memfd that a buffer can be made of. */
function shareableFd(t: TestContext): { fd: OwnedFd; inode: number } {
  const heap = openHeap('system', { backends: ['embedded'] });
  const buffer = heap.allocate(MiB, { shareable: true });
  buffer.accessSync('write', (bytes) => bytes.fill(1));
  const fd = buffer.exportFd();
  t.after(() => [fd, buffer, heap].forEach((closable) => closable.close()));
  return { fd, inode: buffer.inode };
}

function assertRefused(args: readonly string[], status: number, message: RegExp): void {
  const result = runCli('layout', ...args);
  assert.deepEqual([result.status, result.stdout], [status, ''], result.stderr);
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^dmabuf: [^\n]+\n$/u);
}

test('dmabuf layout new:SIZE draws where the pages lie, within 80 columns', () => {
  const { status, stdout, stderr } = runCli('layout', 'new:5MiB');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^A buffer of 5 MiB$/mu);
  assert.match(stdout, /^ {2}exporter {2}(?:system|udmabuf)$/mu);
  assert.match(stdout, /^Where its pages lie in (?:physical memory|the arena of this process) \(pfns on the left\)$/mu);
  assert.match(stdout, /^(?:Entries|Runs) by order/mu);
  assert.match(stdout, /^ +PAGE +PFN +ADDRESS +PAGES +SIZE$/mu);
  const help = runCli('layout', '--help').stdout;
  for (const option of ['FD', 'PID:FD', 'new:SIZE', '--heap', '--all', '--json'])
    assert.ok(help.includes(option), option);
  assert.deepEqual(
    [...stdout.split('\n'), ...help.split('\n')].filter((line) => line.length > 80),
    [],
  );
});

test('dmabuf layout --json prints one object whose runs are the buffer', () => {
  const { status, stdout } = runCli('layout', 'new:3MiB', '--json', '--heap', 'system');
  assert.equal(status, 0);
  const { buffer, layout } = JSON.parse(stdout) as Report;
  assert.deepEqual([buffer.length, buffer.name, layout.known], [3 * MiB, 'dmabuf layout', true]);
  assert.equal(
    layout.runs.reduce((sum, { bytes }) => sum + bytes, 0),
    3 * MiB,
  );
  assert.equal(layout.runCount, layout.runs.length);
  assert.equal(layout.largestRunBytes, Math.max(...layout.runs.map(({ bytes }) => bytes)));
  assert.equal(
    layout.orders.reduce((sum, { entryCount }) => sum + entryCount, 0),
    layout.entryCount,
  );
});

test('dmabuf layout shows a buffer by its descriptor, its own or another process’s', { skip: cannotSeePfns() }, (t) => {
  const { fd, inode } = shareableFd(t);
  const inherited = spawnSync(process.execPath, [CLI_PATH, 'layout', '3', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe', fd.borrow()],
    encoding: 'utf8',
  });
  assert.deepEqual([inherited.status, inherited.stderr], [0, '']);
  const taken = runCli('layout', `${process.pid}:${fd.borrow()}`, '--json');
  assert.deepEqual([taken.status, taken.stderr], [0, '']);
  for (const { stdout } of [inherited, taken]) {
    const { buffer, layout } = JSON.parse(stdout) as Report;
    assert.deepEqual([buffer.inode, buffer.length, layout.known], [inode, MiB, true]);
  }
});

test('dmabuf layout --all shows every run', { skip: cannotSeePfns() }, (t) => {
  const { fd } = shareableFd(t);
  const { status, stdout, stderr } = runCli('layout', `${process.pid}:${fd.borrow()}`, '--all');
  assert.deepEqual([status, stderr], [0, '']);
  const runs = stdout.match(/^ +[\d,]+ +\d+ +0x[0-9a-f]+ +[\d,]+ +[\d.]+ [KM]iB$/gmu);
  const counted = /(?::|in) ([\d,]+) runs?, the largest/u.exec(stdout.replaceAll(/\n +/gu, ' '));
  assert.equal(runs?.length, Number(counted?.[1]?.replaceAll(',', '')), stdout);
});

test('dmabuf layout refuses values that are not buffers, with the remedy', () => {
  assertRefused(['999999'], 1, /Cannot use descriptor 999999.*PID:FD/u);
  assertRefused(['0'], 1, /neither a dma-buf nor a memfd/u);
  assertRefused([`${process.pid}:999999`], 1, /no such descriptor.*\/proc\/\d+\/fd/u);
  assertRefused(['2147483647:3'], 1, /there is no process 2147483647.*dmabuf ls/u);
  assertRefused(['new:1MiB', '--heap', 'none-of-this-name'], 1, /Cannot open heap "none-of-this-name"/u);
});

test('dmabuf layout refuses invalid arguments', () => {
  assertRefused([], 2, /FD, PID:FD or new:SIZE/u);
  assertRefused(['3', '4'], 2, /takes no such argument/u);
  for (const target of ['three', '-1', '3:', ':3', '1:2:3', '99999999999999', '99999999999999:3'])
    assertRefused(['--', target], 2, /must be FD, PID:FD or new:SIZE/u);
  assertRefused(['--', ''], 2, /Cannot use an empty argument for dmabuf layout/u);
  for (const target of ['new:', 'new:0', 'new:much']) assertRefused([target], 2, /new:64MiB/u);
  assertRefused(['3', '--heap', 'system'], 2, /--heap.*new:SIZE/u);
});

test('dmabuf layout takes no memory for untouched pages of a memfd', { skip: cannotSeePfns() }, (t) => {
  const calls = new MemoryCalls();
  const memfd = calls.createSealedMemfd('dmabuf-test', toByteLength(64 * MiB));
  t.after(() => memfd.close());
  const { status, stderr } = runCli('layout', `${process.pid}:${memfd.borrow()}`);
  assert.equal(status, 1);
  assert.match(stderr, /only 0 B of its 64 MiB have pages so far/u);
  assert.equal(fstatSync(memfd.borrow()).blocks, 0);
});
