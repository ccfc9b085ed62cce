import assert from 'node:assert/strict';
import { test } from 'node:test';

import { syncFileInfo } from '../../uapi/sync-file.ts';
import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import type { BorrowedFd } from './fd.ts';
import { SyncFileCalls } from './sync-file-calls.ts';

test('info() gives the fences that are left at the second call', () => {
  const counts = [3, 1];
  const raw = rawCallsWith({
    ioctl: (_fd, _request, argument) => {
      argument.set(syncFileInfo.write({ name: 'chain', numFences: counts.shift() as number }));
      return 0;
    },
  });
  const { name, fences } = new SyncFileCalls(raw).info(7 as BorrowedFd);
  assert.deepEqual([name, fences.length, counts], ['chain', 1, []]);
});
