import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PageIterator } from './page-iterator.ts';
import { SgTable } from './sg-table.ts';

function tableOf(...entries: [pfn: number, offset: number, length: number][]): SgTable {
  return SgTable.fromEntries(entries.map(([pfn, offset, length]) => ({ pfn, offset, length })));
}

function pfnsFrom(table: SgTable, pageOffset?: number): number[] {
  const iterator = new PageIterator(table, pageOffset === undefined ? {} : { pageOffset });
  const pfns = [];
  while (iterator.next()) pfns.push(iterator.pfn);
  assert.equal(iterator.next(), false);
  return pfns;
}

test('PageIterator steps through pages and entries', () => {
  const iterator = new PageIterator(tableOf([8, 0, 8192], [3, 0, 4096]));
  const steps = [];
  while (iterator.next()) steps.push([iterator.entryIndex, iterator.pageOffset, iterator.pfn]);
  assert.deepEqual(steps, [[0, 0, 8], [0, 1, 9], [1, 0, 3]]); // prettier-ignore
});

test('PageIterator skips entries without pages, wherever they are', () => {
  assert.deepEqual(pfnsFrom(tableOf([1, 0, 0], [2, 0, 0], [8, 0, 8192], [3, 0, 0], [4, 0, 1], [5, 0, 0])), [8, 9, 4]);
  assert.deepEqual(pfnsFrom(tableOf([1, 0, 0])), []);
});

test('PageIterator counts pages from the pfn of an entry, however large its offset', () => {
  assert.deepEqual(pfnsFrom(tableOf([8, 4095, 2])), [8, 9]);
  assert.deepEqual(pfnsFrom(tableOf([8, 9000, 1])), [8, 9, 10]);
  assert.deepEqual(pfnsFrom(tableOf([8, 100, 0])), [8]);
});

test('PageIterator starts at a page, passing over entries if need be', () => {
  const table = tableOf([8, 0, 12_288], [1, 0, 0], [20, 0, 8192]);
  assert.deepEqual(pfnsFrom(table, 0), [8, 9, 10, 20, 21]);
  assert.deepEqual(pfnsFrom(table, 2), [10, 20, 21]);
  assert.deepEqual(pfnsFrom(table, 3), [20, 21]);
  assert.deepEqual(pfnsFrom(table, 4), [21]);
  assert.deepEqual(pfnsFrom(table, 5), []);
  assert.deepEqual(pfnsFrom(table, 2_147_483_647), []);
});

test('PageIterator refuses an invalid start', () => {
  for (const pageOffset of [-1, 0.5, 2_147_483_648]) {
    assert.throws(() => new PageIterator(tableOf([1, 0, 4096]), { pageOffset }), RangeError);
  }
  assert.throws(() => new PageIterator(tableOf([1, 0, 4096]), { offset: 1 } as object), TypeError);
});
