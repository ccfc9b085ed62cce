import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { findTracefs } from './tracefs-mount.ts';

test('findTracefs() finds where it is mounted, below the root', (t) => {
  const mounts =
    'sysfs /sys sysfs rw 0 0\nnodev /mnt/a\\040b tracefs rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n';
  const root = temporaryTree(t, { 'proc/self/mounts': mounts });
  assert.equal(findTracefs(root), `${root}/mnt/a b`);
  assert.equal(findTracefs(temporaryTree(t, { 'proc/self/mounts': 'tracefs /tracefs sysfs rw 0 0\n' })), undefined);
  assert.equal(findTracefs(temporaryTree(t, {})), undefined);
});
