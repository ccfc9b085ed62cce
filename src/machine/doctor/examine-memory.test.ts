import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineMemory } from './examine-memory.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const MEMINFO = { 'proc/meminfo': 'MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n' };
const GROUP = {
  ...MEMINFO,
  'proc/self/cgroup': '0::/camera\n',
  'proc/self/mountinfo': '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
  'sys/fs/cgroup/camera/memory.max': '1073741824\n',
  'sys/fs/cgroup/camera/memory.current': '536870912\n',
  'sys/fs/cgroup/camera/memory.stat': 'inactive_file 0\n',
};

test('examineMemory() gives the available memory of the machine', (t) => {
  const [room] = examineMemory(otherMachine({ root: temporaryTree(t, MEMINFO) }));
  assert.deepEqual(
    [room?.id, room?.status, room?.found],
    ['memory-room', 'ok', '8 GiB of memory can be had, limited by what is available'],
  );
});

test('examineMemory() names the control group with less available memory', (t) => {
  const [room] = examineMemory(otherMachine({ root: temporaryTree(t, GROUP) }));
  assert.deepEqual(
    [room?.status, room?.found],
    ['note', '512 MiB of memory can be had, limited by the control group /camera'],
  );
  assert.match(room?.remedy?.note ?? '', /memory\.max/u);
});

test('examineMemory() warns where address space counts as memory', (t) => {
  const examined = (mode: string): unknown => {
    const root = temporaryTree(t, { ...MEMINFO, 'proc/sys/vm/overcommit_memory': `${mode}\n` });
    const finding = examineMemory(otherMachine({ root })).find(({ id }) => id === 'memory-overcommit');
    return [finding?.status, finding?.remedy !== undefined];
  };
  assert.deepEqual(
    [examined('0'), examined('1')],
    [
      ['ok', false],
      ['ok', false],
    ],
  );
  assert.deepEqual(examined('2'), ['warning', true]);
});

test('examineMemory() always warns of the limit that only SIGKILL enforces', (t) => {
  const kill = examineMemory(otherMachine({ root: temporaryTree(t, MEMINFO) })).find(({ id }) => id === 'memory-kill');
  assert.equal(kill?.status, 'note');
  assert.match(kill.found, /SIGKILL.*control group.*promised/u);
});
