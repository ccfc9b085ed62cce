import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseProcessStatus } from './process-status.ts';

test('parseProcessStatus reads any name whole', () => {
  const text = '42 (a) S 1 (b c) R 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 11 0 540 1000 10\n';
  assert.deepEqual(parseProcessStatus(text), { comm: 'a) S 1 (b c', startTicks: 540, isKernelThread: false });
});

test('parseProcessStatus recognizes kernel threads', () => {
  const text = '2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0 0\n';
  assert.deepEqual(parseProcessStatus(text), { comm: 'kthreadd', startTicks: 3, isKernelThread: true });
});
