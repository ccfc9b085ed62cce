import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineLimits } from './examine-limits.ts';
import type { Finding } from './finding.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const PAGE_BYTES = 4096;
const USER = { 'proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\n' };

function withMapCount(count: number): Record<string, string> {
  return { ...USER, 'proc/sys/vm/max_map_count': `${count}\n` };
}

function withFileCount(soft: string, hard: string): Record<string, string> {
  const heading = 'Limit                     Soft Limit           Hard Limit           Units     ';
  return { ...USER, 'proc/self/limits': `${heading}\nMax open files            ${soft}    ${hard}      files     \n` };
}

test('examineLimits() tells how much scattered memory a process can map', (t) => {
  const [finding] = examineLimits(otherMachine({ root: temporaryTree(t, withMapCount(65_536)) }), PAGE_BYTES);
  // 4,096 mappings are kept free, so 61,440 pages are left.
  assert.deepEqual(
    [finding?.id, finding?.status, finding?.found],
    ['map-count', 'note', 'a process may have 65536 mappings (vm.max_map_count): windows of 240 MiB at the worst'],
  );
  assert.deepEqual(finding?.remedy?.commands, [
    'sudo sysctl -w vm.max_map_count=1048576',
    "echo 'vm.max_map_count=1048576' | sudo tee /etc/sysctl.d/60-dmabuf.conf",
  ]);
});

test('examineLimits() counts in the pages of the machine, and never less than none', (t) => {
  const worst = (count: number, pageBytes: number): string =>
    /windows of (.*) at the worst/u.exec(
      examineLimits(otherMachine({ root: temporaryTree(t, withMapCount(count)) }), pageBytes)[0]?.found ?? '',
    )?.[1] ?? '';
  assert.equal(worst(65_536, 16_384), '960 MiB');
  assert.equal(worst(1000, PAGE_BYTES), '0 B');
});

test('examineLimits() reports ok for as many mappings as newer systems allow', (t) => {
  const [finding] = examineLimits(otherMachine({ root: temporaryTree(t, withMapCount(1_048_576)) }), PAGE_BYTES);
  assert.deepEqual([finding?.status, finding?.remedy], ['ok', undefined]);
});

test('examineLimits() warns of few open files, with a command for this shell', (t) => {
  const examined = (soft: string, hard: string): Finding | undefined =>
    examineLimits(otherMachine({ root: temporaryTree(t, withFileCount(soft, hard)) }), PAGE_BYTES)[0];
  const few = examined('1024', '1024');
  assert.deepEqual(
    [few?.id, few?.status, few?.found],
    ['file-count', 'warning', 'this process may have 1024 open files (RLIMIT_NOFILE; at most 1024)'],
  );
  assert.deepEqual(few?.remedy?.commands, ['sudo prlimit --pid $$ --nofile=65536:65536']);
  assert.equal(examined('4096', '4096')?.status, 'ok');
  assert.equal(examined('unlimited', 'unlimited')?.status, 'ok');
});

test('examineLimits() omits limits that it cannot read', (t) => {
  assert.deepEqual(examineLimits(otherMachine({ root: temporaryTree(t, {}) }), PAGE_BYTES), []);
});

test('examineLimits() reads the mappings that the kernel allows on this machine', () => {
  const count = execFileSync('cat', ['/proc/sys/vm/max_map_count'], { encoding: 'utf8' }).trim();
  const [finding] = examineLimits(otherMachine({ root: '/' }), PAGE_BYTES);
  assert.ok(finding?.found.includes(` ${count} mappings `));
});
