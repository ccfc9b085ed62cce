import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addBufferCounts, parseBufferCounts } from './buffer-counts.ts';

/** Recorded on 6.12, with an overrun put in. */
const STATS = `\
entries: 12
overrun: 5
commit overrun: 0
bytes: 1180
oldest event ts:    57.929912
now ts:    64.103277
dropped events: 2
read events: 68
`;

test('parseBufferCounts() counts what was written and what nobody reads', () => {
  assert.deepEqual(parseBufferCounts(STATS), { written: 85, lost: 7 });
  assert.deepEqual(parseBufferCounts(''), { written: 0, lost: 0 });
});

test('addBufferCounts() adds up processors', () => {
  assert.deepEqual(addBufferCounts({ written: 3, lost: 1 }, { written: 40, lost: 0 }), { written: 43, lost: 1 });
});
