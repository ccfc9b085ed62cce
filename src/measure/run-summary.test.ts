import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SgTable } from '../sg/sg-table.ts';
import { summarizeRuns } from './run-summary.ts';

test('summarizeRuns() counts merged entries, by the order below their size', () => {
  const lengths = [8192, 4096, 4096, 16_384];
  const pfns = [4, 6, 100, 200];
  const table = SgTable.fromEntries(pfns.map((pfn, index) => ({ pfn, offset: 0, length: lengths[index] ?? 0 })));
  assert.deepEqual(summarizeRuns(table), {
    runCount: 3,
    largestBytes: 16_384,
    meanBytes: 10_923,
    shares: [
      { order: 2, runCount: 1, pageCount: 4 },
      { order: 1, runCount: 1, pageCount: 3 },
      { order: 0, runCount: 1, pageCount: 1 },
    ],
  });
});
