import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { GiB, MiB } from '../base/sizes.ts';
import { scatteredTable } from './scattered-table.ts';

test('scatteredTable() has the chunks of its mix', () => {
  const length = toByteLength(2 * GiB);
  assert.deepEqual([...scatteredTable('huge', length).orders()], [[9, 1024]]);
  assert.deepEqual([...scatteredTable('fresh', length).orders()], [[8, 2048]]);
  assert.deepEqual([...scatteredTable('single-pages', length).orders()], [[0, 524_288]]);
  // 60 % of 524,288 pages is 1,228 chunks of 256; 40 % of order 0 in D begins where 19,660 chunks
  // of 16 end.
  assert.equal(scatteredTable('aged', length).orders().get(8), 1228);
  assert.deepEqual([...scatteredTable('fragmented', length).orders()], [[4, 19_660], [0, 209_728]]); // prettier-ignore
});

test('scatteredTable() has chunks that do not touch, and whose orders never rise', () => {
  for (const mix of ['huge', 'fresh', 'aged', 'fragmented', 'single-pages'] as const) {
    const table = scatteredTable(mix, toByteLength(64 * MiB));
    assert.equal(table.length, 67_108_864);
    assert.equal(table.runs().count, table.entryCount);
    const entries = [...table.entries()];
    assert.ok(entries.every((entry, index) => index === 0 || entry.length <= (entries[index - 1]?.length ?? 0)));
    const byPfn = entries.toSorted((a, b) => a.pfn - b.pfn);
    assert.ok(byPfn.every((entry, index) => entry.pfn + entry.length / 4096 < (byPfn[index + 1]?.pfn ?? Infinity)));
    assert.notDeepEqual(byPfn, entries);
  }
});

test('scatteredTable() is the same table for the same seed', () => {
  const entriesOf = (seed: number): object[] => [...scatteredTable('fresh', toByteLength(64 * MiB), seed).entries()];
  const first = entriesOf(1);
  assert.deepEqual(entriesOf(1), first);
  assert.notDeepEqual(entriesOf(2), first);
});
