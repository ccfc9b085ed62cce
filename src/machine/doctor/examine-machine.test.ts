import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineMachine } from './examine-machine.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const MACHINE = {
  'proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t44 1000 4242\nCapEff:\t0\n',
  'proc/sys/kernel/osrelease': '6.12.90-test\n',
  'proc/meminfo': 'MemAvailable: 8388608 kB\n',
  'etc/passwd': 'alice:x:1000:1000::/home/alice:/bin/sh\n',
  'etc/group': 'video:x:44:alice\nalice:x:1000:\n',
};

/**
 * The kernel's entry for the first mapping of this process, whose pages are of the common size (man
 * 5 proc).
 */
function readPageBytes(): number {
  return 1024 * Number(/^KernelPageSize:\s+(\d+) kB$/mu.exec(readFileSync('/proc/self/smaps', 'utf8'))?.[1]);
}

test('examineMachine() names the user and the machine', (t) => {
  const { machine, findings } = examineMachine(otherMachine({ root: temporaryTree(t, MACHINE) }));
  assert.deepEqual(machine, {
    kernelRelease: '6.12.90-test',
    architecture: process.arch,
    pageSizeBytes: readPageBytes(),
    userId: 1000,
    userName: 'alice',
    groups: ['alice', 'video', '4242'],
    container: null,
  });
  assert.ok(findings.every(({ id }) => id !== 'container'));
});

test('examineMachine() notes the container around it', (t) => {
  const { machine, findings } = examineMachine(
    otherMachine({ root: temporaryTree(t, { ...MACHINE, 'run/.containerenv': '' }) }),
  );
  assert.equal(machine.container, 'podman');
  assert.equal(findings.find(({ id }) => id === 'container')?.status, 'note');
});

test('examineMachine() falls back on the embedded heap, and gives every finding a unique id', (t) => {
  const { choice, findings } = examineMachine(otherMachine({ root: temporaryTree(t, MACHINE) }));
  assert.equal(choice.backend, 'embedded');
  assert.deepEqual(
    choice.passedOver.map(({ backend }) => backend),
    ['kernel', 'udmabuf'],
  );
  assert.equal(new Set(findings.map(({ id }) => id)).size, findings.length);
});
