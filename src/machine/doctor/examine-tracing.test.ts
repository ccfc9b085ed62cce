import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asNobody, cannotBeNobody } from '../../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineTracing } from './examine-tracing.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const ROOT_USER = { 'proc/self/status': 'Uid:\t0\t0\t0\t0\n' };

test('examineTracing() gives the command that mounts a missing file system', (t) => {
  const findings = examineTracing(
    otherMachine({ root: temporaryTree(t, { ...ROOT_USER, 'proc/self/mounts': 'proc /proc proc rw 0 0\n' }) }),
  );
  assert.deepEqual(
    findings.map(({ id, status, remedy }) => [id, status, remedy?.commands]),
    [
      ['tracefs', 'note', ['mount -t tracefs nodev /sys/kernel/tracing']],
      ['debugfs', 'note', ['mount -t debugfs nodev /sys/kernel/debug']],
    ],
  );
});

test('examineTracing() finds them at any mount point', (t) => {
  const mounts = 'nodev /a\\040place/tracing tracefs rw 0 0\nnone /sys/kernel/debug debugfs rw 0 0\n';
  const root = temporaryTree(t, { ...ROOT_USER, 'proc/self/mounts': mounts });
  mkdirSync(join(root, 'a place/tracing'), { recursive: true });
  mkdirSync(join(root, 'sys/kernel/debug'), { recursive: true });
  assert.deepEqual(
    examineTracing(otherMachine({ root })).map(({ status, found }) => [status, found]),
    [
      ['ok', 'tracefs is at /a place/tracing'],
      ['ok', 'debugfs is at /sys/kernel/debug'],
    ],
  );
});

test('examineTracing() distinguishes mounted from readable file systems', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryTree(t, { ...ROOT_USER, 'proc/self/mounts': 'none /sys/kernel/debug debugfs rw 0 0\n' });
  const folder = join(root, 'sys/kernel/debug');
  mkdirSync(folder, { recursive: true });
  chmodSync(root, 0o755);
  chmodSync(folder, 0);
  try {
    const [, debugfs] = asNobody(() => examineTracing(otherMachine({ root })));
    assert.deepEqual(
      [debugfs?.status, debugfs?.found],
      ['note', 'debugfs is at /sys/kernel/debug, but not for this user'],
    );
    assert.match(debugfs?.remedy?.note ?? '', /root/u);
  } finally {
    chmodSync(folder, 0o755);
  }
});
