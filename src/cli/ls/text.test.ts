import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatGrowth, formatShare, formatSizeGrowth } from './text.ts';

test('formatShare rounds to whole bytes', () => {
  assert.equal(formatShare(4096 / 10), '410 B');
  assert.equal(formatShare((8 * 1024 * 1024) / 3), '2.7 MiB');
});

test('formatGrowth and formatSizeGrowth have a sign, and nothing for no change', () => {
  assert.deepEqual([formatGrowth(3), formatGrowth(-1200), formatGrowth(0)], ['+3', '-1,200', '']);
  assert.deepEqual(
    [formatSizeGrowth(8_388_608), formatSizeGrowth(-4096), formatSizeGrowth(0)],
    ['+8 MiB', '-4 KiB', ''],
  );
});
