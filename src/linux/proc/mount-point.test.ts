import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { findMountPoint } from './mount-point.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

test('findMountPoint() gives the first mount of the type, its spaces decoded', (t) => {
  const mounts =
    'sysfs /sys sysfs rw 0 0\nnodev /mnt/a\\040b tracefs rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n';
  const root = temporaryTree(t, { 'proc/self/mounts': mounts });
  assert.equal(findMountPoint('tracefs', otherMachine({ root })), '/mnt/a b');
  assert.equal(
    findMountPoint(
      'tracefs',
      otherMachine({ root: temporaryTree(t, { 'proc/self/mounts': 'tracefs /tracefs sysfs rw 0 0\n' }) }),
    ),
    undefined,
  );
  assert.equal(findMountPoint('tracefs', otherMachine({ root: temporaryTree(t, {}) })), undefined);
});

test('findMountPoint() does not mistake a folder for a mount where the mounts cannot be read', (t) => {
  const root = temporaryTree(t, { 'sys/kernel/tracing/README': '', 'sys/kernel/debug/x': '' });
  assert.equal(findMountPoint('tracefs', otherMachine({ root })), undefined);
  assert.equal(findMountPoint('debugfs', otherMachine({ root })), undefined);
  assert.equal(findMountPoint('bpf', otherMachine({ root })), undefined);
});
