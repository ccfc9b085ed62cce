import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SgTable } from './sg-table.ts';

type Entry = [pfn: number, offset: number, length: number];

function runsOf(entries: Entry[], pageSize = 4096): Entry[] {
  const table = SgTable.fromEntries(
    entries.map(([pfn, offset, length]) => ({ pfn, offset, length })),
    { pageSize },
  );
  return [...table.runs()].map((run): Entry => [run.pfn, run.offset, run.length]);
}

test('runs() merges entries that follow each other and keeps others apart', () => {
  assert.deepEqual(runsOf([[8, 0, 8192], [10, 0, 4096], [12, 0, 4096]]), [[8, 0, 12_288], [12, 0, 4096]]); // prettier-ignore
  assert.deepEqual(runsOf([[9, 0, 4096], [8, 0, 4096]]), [[9, 0, 4096], [8, 0, 4096]]); // prettier-ignore
  assert.deepEqual(runsOf([[8, 0, 4096], [8, 0, 4096]]), [[8, 0, 4096], [8, 0, 4096]]); // prettier-ignore
});

test('runs() compares bytes, not pages', () => {
  assert.deepEqual(runsOf([[8, 0, 100], [9, 0, 4096]]), [[8, 0, 100], [9, 0, 4096]]); // prettier-ignore
  assert.deepEqual(runsOf([[8, 0, 100], [8, 100, 3996], [9, 0, 1]]), [[8, 0, 4097]]); // prettier-ignore
  assert.deepEqual(runsOf([[8, 4000, 96], [9, 0, 4096]]), [[8, 4000, 4192]]); // prettier-ignore
});

test('runs() says where a run begins with an offset below a page', () => {
  assert.deepEqual(runsOf([[8, 8193, 10]]), [[10, 1, 10]]);
  assert.deepEqual(runsOf([[8, 4096, 4096], [10, 0, 4096]]), [[9, 0, 8192]]); // prettier-ignore
});

test('runs() leaves out entries without bytes, also between neighbours', () => {
  assert.deepEqual(runsOf([[8, 0, 4096], [500, 0, 0], [9, 0, 4096]]), [[8, 0, 8192]]); // prettier-ignore
  assert.deepEqual(runsOf([[8, 5000, 0]]), []);
});

test('runs() holds runs beyond 4 GiB', () => {
  const entries = [0, 1, 2].map((index): Entry => [index * 524_288, 0, 2_147_483_648]);
  assert.deepEqual(runsOf(entries), [[0, 0, 6_442_450_944]]);
});

test('runs() is exact at the largest pfns, where byte addresses exceed a double', () => {
  const last = 1_099_511_627_775;
  assert.deepEqual(runsOf([[last, 0, 1], [last, 2, 1]], 65_536), [[last, 0, 1], [last, 2, 1]]); // prettier-ignore
  assert.deepEqual(runsOf([[last, 0, 1], [last, 1, 1]], 65_536), [[last, 0, 2]]); // prettier-ignore
});

test('runs() gives the same runs as columns, and computes them once', () => {
  const table = SgTable.fromEntries([
    { pfn: 4, offset: 12, length: 100 },
    { pfn: 9, offset: 0, length: 4096 },
  ]);
  const runs = table.runs();
  assert.equal(runs.count, 2);
  assert.deepEqual(runs.pfns, Float64Array.of(4, 9));
  assert.deepEqual(runs.offsets, Uint32Array.of(12, 0));
  assert.deepEqual(runs.lengths, Float64Array.of(100, 4096));
  assert.equal(table.runs(), runs);
});

test('SgRuns.run gives a run by its index, and refuses an invalid index', () => {
  const runs = SgTable.fromEntries([
    { pfn: 7, offset: 0, length: 4096 },
    { pfn: 8, offset: 0, length: 4096 },
    { pfn: 20, offset: 16, length: 100 },
  ]).runs();
  assert.deepEqual(runs.run(0), { pfn: 7, offset: 0, length: 8192 });
  assert.deepEqual(runs.run(1), { pfn: 20, offset: 16, length: 100 });
  assert.throws(() => runs.run(2), RangeError);
  assert.throws(() => runs.run(-1), RangeError);
});
