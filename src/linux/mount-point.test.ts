import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { findMountPoint } from './mount-point.ts';

test('findMountPoint() gives the first mount of the type, its spaces decoded', (t) => {
  const mounts =
    'sysfs /sys sysfs rw 0 0\nnodev /mnt/a\\040b tracefs rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n';
  const root = temporaryTree(t, { 'proc/self/mounts': mounts });
  assert.equal(findMountPoint('tracefs', root), '/mnt/a b');
  assert.equal(
    findMountPoint('tracefs', temporaryTree(t, { 'proc/self/mounts': 'tracefs /tracefs sysfs rw 0 0\n' })),
    undefined,
  );
  assert.equal(findMountPoint('tracefs', temporaryTree(t, {})), undefined);
});
