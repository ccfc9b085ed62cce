import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { SgTable } from '../sg/sg-table.ts';
import { firstRuns, magnifyPartialStripe, samplePages, summarizeOrders, summarizeStripes } from './layout-summary.ts';

function tableOf(...chunks: readonly (readonly [pfn: number, order: number])[]): SgTable {
  const pageSize = toByteLength(4096);
  return SgTable.fromChunks({ pfns: chunks.map(([pfn]) => pfn), orders: chunks.map(([, order]) => order), pageSize });
}

test('summarizeOrders counts entries and pages, largest order first', () => {
  assert.deepEqual(summarizeOrders(tableOf([64, 4], [0, 4], [32, 0], [34, 0], [36, 0])), [
    { order: 4, entryCount: 2, pageCount: 32 },
    { order: 0, entryCount: 3, pageCount: 3 },
  ]);
});

test('summarizeStripes takes single pages while they fit', () => {
  assert.deepEqual(summarizeStripes(tableOf([12, 0], [10, 0], [14, 1]), 6), {
    firstPfn: 10,
    stripePageCount: 1,
    pageCounts: [1, 0, 1, 0, 1, 1],
  });
});

test('summarizeStripes doubles its stripes until they fit, aligned to their own length', () => {
  assert.deepEqual(summarizeStripes(tableOf([12, 0], [10, 0], [14, 1]), 3), {
    firstPfn: 10,
    stripePageCount: 2,
    pageCounts: [1, 1, 2],
  });
  assert.deepEqual(summarizeStripes(tableOf([12, 0], [10, 0], [14, 1]), 2), {
    firstPfn: 8,
    stripePageCount: 4,
    pageCounts: [1, 3],
  });
});

test('summarizeStripes spreads a chunk over the stripes that it covers', () => {
  assert.deepEqual(summarizeStripes(tableOf([0, 4], [32, 4], [17, 0]), 6), {
    firstPfn: 0,
    stripePageCount: 8,
    pageCounts: [8, 8, 1, 0, 8, 8],
  });
});

test("magnifyPartialStripe looks into the first stripe that is partly the buffer's", () => {
  const table = tableOf([0, 3], [8, 1], [12, 0]);
  const stripes = summarizeStripes(table, 2);
  assert.deepEqual(stripes, { firstPfn: 0, stripePageCount: 8, pageCounts: [8, 3] });
  assert.deepEqual(magnifyPartialStripe(table, stripes, 4), {
    firstPfn: 8,
    stripePageCount: 2,
    pageCounts: [2, 0, 1, 0],
  });
  assert.deepEqual(magnifyPartialStripe(table, stripes, 64)?.pageCounts, [1, 1, 0, 0, 1, 0, 0, 0]);
});

test('magnifyPartialStripe finds nothing where every stripe is whole or empty', () => {
  const table = tableOf([0, 3], [16, 3]);
  assert.equal(magnifyPartialStripe(table, summarizeStripes(table, 3), 64), undefined);
});

test('firstRuns merges adjacent chunks and counts pages of the buffer', () => {
  assert.deepEqual(firstRuns(tableOf([64, 4], [80, 4], [0, 0], [7, 0]), 2), [
    { bufferPage: 0, pfn: 64, pageCount: 32 },
    { bufferPage: 32, pfn: 0, pageCount: 1 },
  ]);
});

test('samplePages samples pages at equal distances, across runs', () => {
  assert.deepEqual(samplePages(tableOf([64, 3], [16, 2], [3, 0]), 5), [
    { bufferPage: 0, pfn: 64 },
    { bufferPage: 3, pfn: 67 },
    { bufferPage: 6, pfn: 70 },
    { bufferPage: 9, pfn: 17 },
    { bufferPage: 12, pfn: 3 },
  ]);
});

test('samplePages samples every page of a small buffer', () => {
  assert.equal(samplePages(tableOf([64, 3]), 512).length, 8);
});
