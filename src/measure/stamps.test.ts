import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { SgTable } from '../sg/sg-table.ts';
import { countStamps, hasStamp, pagesOfEntryEnds, sampledPages, stampOf, writeStamps } from './stamps.ts';

const PAGE_SIZE = 4096;

test('stampOf() gives no two pages the same stamp, and no page the same in both ways', () => {
  const stamps = [0, 1, 2 ** 32 - 1].flatMap((page) => [
    stampOf(page, 'through the view').join(),
    stampOf(page, 'past the view').join(),
  ]);
  assert.equal(new Set(stamps).size, 6);
  assert.ok(hasStamp(stampOf(7, 'past the view'), 7, 'past the view'));
  assert.ok(!hasStamp(stampOf(7, 'past the view'), 7, 'through the view'));
  assert.ok(!hasStamp(new Uint8Array(0), 7, 'past the view'));
});

test('countStamps() counts the pages whose stamps are where they were written', () => {
  const window = new Uint8Array(4 * PAGE_SIZE);
  const memory = { subarray: (offset: number, length: number) => window.subarray(offset, offset + length) };
  const pages = Uint32Array.of(0, 2, 3);
  writeStamps(memory, { pages, pageSize: PAGE_SIZE, way: 'through the view' });
  const count = (way: 'through the view' | 'past the view'): number =>
    countStamps(memory, { pages, pageSize: PAGE_SIZE, way });
  assert.deepEqual([count('through the view'), count('past the view')], [3, 0]);
  window[2 * PAGE_SIZE + 7] = (window[2 * PAGE_SIZE + 7] ?? 0) ^ 1;
  assert.equal(count('through the view'), 2);
  assert.equal(window[PAGE_SIZE], 0);
});

test('pagesOfEntryEnds() gives the first and last page of every entry that has pages', () => {
  const table = SgTable.fromEntries([
    { pfn: 8, offset: 0, length: 4 * PAGE_SIZE },
    { pfn: 3, offset: 0, length: 0 },
    { pfn: 12, offset: 0, length: PAGE_SIZE },
    { pfn: 14, offset: 0, length: 2 * PAGE_SIZE },
  ]);
  assert.deepEqual([...pagesOfEntryEnds(table)], [0, 3, 4, 5, 6]);
  const single = SgTable.fromChunks({ pfns: [9], orders: [0], pageSize: toByteLength(PAGE_SIZE) });
  assert.deepEqual([...pagesOfEntryEnds(single)], [0]);
});

test('sampledPages() gives every 16th page and the last', () => {
  assert.deepEqual([...sampledPages(1)], [0]);
  assert.deepEqual([...sampledPages(17)], [0, 16]);
  assert.deepEqual([...sampledPages(34)], [0, 16, 32, 33]);
});
