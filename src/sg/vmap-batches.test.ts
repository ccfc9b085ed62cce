import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { ARM64_PAGE_TABLES, X86_64_PAGE_TABLES } from './page-table-model.ts';
import type { PageTableModel } from './page-table-model.ts';
import { vmapBatches } from './vmap-batches.ts';

type Batch = [firstPage: number, pageCount: number, shift: number];

function batchesOf(pfns: ArrayLike<number>, model: PageTableModel): Batch[] {
  return vmapBatches(pfns, model).map((batch): Batch => [batch.firstPage, batch.pageCount, batch.shift]);
}

/** Pages of ranges that begin at the given pfns. */
function pagesOf(...ranges: [pfn: number, pageCount: number][]): number[] {
  return ranges.flatMap(([pfn, pageCount]) => Array.from({ length: pageCount }, (_, index) => pfn + index));
}

test('vmapBatches() maps an order-8 buffer in one walk on arm64, and page by page on x86-64', () => {
  const pfns = pagesOf([1024, 256], [4096, 256], [512, 256]);
  assert.deepEqual(batchesOf(pfns, ARM64_PAGE_TABLES), [[0, 768, 20]]);
  assert.deepEqual(batchesOf(pfns, X86_64_PAGE_TABLES), [[0, 768, 12]]);
});

test('vmapBatches() merges two adjacent order-8 chunks into an aligned 2 MiB block', () => {
  const pfns = pagesOf([1024, 256], [1280, 256]);
  assert.deepEqual(batchesOf(pfns, ARM64_PAGE_TABLES), [[0, 512, 21]]);
  assert.deepEqual(batchesOf(pfns, X86_64_PAGE_TABLES), [[0, 512, 21]]);
});

test('vmapBatches() is limited by the alignment of the first pfn', () => {
  assert.deepEqual(batchesOf(pagesOf([1280, 512]), X86_64_PAGE_TABLES), [[0, 512, 12]]);
  assert.deepEqual(batchesOf(pagesOf([1280, 512]), ARM64_PAGE_TABLES), [[0, 512, 20]]);
  assert.deepEqual(batchesOf(pagesOf([1040, 16], [1056, 32]), ARM64_PAGE_TABLES), [[0, 16, 16], [16, 32, 17]]); // prettier-ignore
  assert.deepEqual(batchesOf(pagesOf([1025, 64]), ARM64_PAGE_TABLES), [[0, 64, 12]]);
});

test('vmapBatches() has no alignment limit at pfn 0', () => {
  assert.deepEqual(batchesOf(pagesOf([0, 2048]), X86_64_PAGE_TABLES), [[0, 2048, 23]]);
  assert.deepEqual(batchesOf(pagesOf([2048, 2048]), X86_64_PAGE_TABLES), [[0, 2048, 23]]);
});

test('vmapBatches() sees the alignment of pfns beyond 32 bits', () => {
  assert.deepEqual(batchesOf(pagesOf([4_294_967_296, 1024]), X86_64_PAGE_TABLES), [[0, 1024, 22]]);
  assert.deepEqual(batchesOf(pagesOf([4_294_967_296 + 512, 1024]), X86_64_PAGE_TABLES), [[0, 1024, 21]]);
  assert.deepEqual(batchesOf(pagesOf([2_147_483_648, 32]), ARM64_PAGE_TABLES), [[0, 32, 17]]);
});

test('vmapBatches() takes the power of two below the run, then continues with the rest', () => {
  assert.deepEqual(batchesOf(pagesOf([1024, 31], [8192, 16]), ARM64_PAGE_TABLES), [[0, 16, 16], [16, 31, 12]]); // prettier-ignore
  assert.deepEqual(batchesOf(pagesOf([1024, 48]), ARM64_PAGE_TABLES), [[0, 32, 17], [32, 16, 16]]); // prettier-ignore
});

test('vmapBatches() closes a batch when the size of its blocks changes', () => {
  const pfns = pagesOf([1024, 256], [2048, 256], [4096, 16], [4128, 16], [8192, 1], [8200, 1]);
  assert.deepEqual(batchesOf(pfns, ARM64_PAGE_TABLES), [[0, 512, 20], [512, 32, 16], [544, 2, 12]]); // prettier-ignore
});

test('vmapBatches() stops looking for good at the first block of order 0', () => {
  assert.deepEqual(batchesOf(pagesOf([7, 1], [1024, 256], [2048, 256]), ARM64_PAGE_TABLES), [[0, 513, 12]]);
  assert.deepEqual(batchesOf(pagesOf([1024, 256], [7, 1], [2048, 256]), ARM64_PAGE_TABLES), [[0, 256, 20], [256, 257, 12]]); // prettier-ignore
});

test('vmapBatches() counts a run too small for any mapping as order 0', () => {
  assert.deepEqual(batchesOf(pagesOf([1024, 8], [2048, 256]), ARM64_PAGE_TABLES), [[0, 264, 12]]);
  assert.deepEqual(batchesOf(pagesOf([1024, 15], [2048, 256]), ARM64_PAGE_TABLES), [[0, 271, 12]]);
  assert.deepEqual(batchesOf(pagesOf([1024, 16]), ARM64_PAGE_TABLES), [[0, 16, 16]]);
  assert.deepEqual(batchesOf(pagesOf([1024, 511]), X86_64_PAGE_TABLES), [[0, 511, 12]]);
});

test('vmapBatches() maps 2 GiB of scattered order 8 in one batch on arm64', () => {
  const pfns = Uint32Array.from({ length: 524_288 }, (_, index) => (index >>> 8) * 512 + (index & 255));
  // Pfn 0 has no limit of its own, but its run is 256 pages as well.
  assert.deepEqual(batchesOf(pfns, ARM64_PAGE_TABLES), [[0, 524_288, 20]]);
});

test('vmapBatches() of no pages gives no batch', () => {
  assert.deepEqual(vmapBatches([], ARM64_PAGE_TABLES), []);
});

test('vmapBatches() refuses a value that is not a list of pfns', () => {
  for (const pfns of [[Number.NaN], [1024, -1], [0.5], [2 ** 40]]) {
    assert.throws(() => vmapBatches(pfns, ARM64_PAGE_TABLES), { name: 'RangeError' });
  }
  for (const pfns of [['1024'], [1024, undefined], [1024n], {}, undefined]) {
    assert.throws(() => vmapBatches(pfns as never, ARM64_PAGE_TABLES), { name: 'TypeError' });
  }
});

/**
 * The rule page by page and block by block, without closing batches: shifts of pages, then ranges
 * of equal shift.
 */
function twinOfBatches(pfns: number[], model: PageTableModel): Batch[] {
  const blockShifts: number[] = [];
  let scanning = true;
  while (blockShifts.length < pfns.length) {
    const first = blockShifts.length;
    let run = 1;
    while (pfns[first + run] === (pfns[first] as number) + run) run += 1;
    let order = 0;
    while (2 ** (order + 1) <= run && (pfns[first] as number) % 2 ** (order + 1) === 0) order += 1;
    const mapsMore = model.name === 'arm64' ? order >= 4 : order >= 9;
    scanning &&= mapsMore;
    for (let page = 0; page < (scanning ? 2 ** order : 1); page++) blockShifts.push(scanning ? 12 + order : 12);
  }
  const batches: Batch[] = [];
  for (const [page, shift] of blockShifts.entries()) {
    const last = batches.at(-1);
    if (last?.[2] === shift) last[1] += 1;
    else batches.push([page, 1, shift]);
  }
  return batches;
}

test('vmapBatches() agrees with a twin on any pages', () => {
  const range = fc.tuple(
    fc.oneof(
      fc.nat(64).map((count) => count * 512),
      fc.nat(400).map((count) => count * 16),
      fc.nat(5000),
    ),
    fc.oneof(fc.constantFrom(1, 16, 256, 512, 1024), fc.integer({ min: 1, max: 600 })),
  );
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.boolean(), (ranges, descending) => {
      if (descending) ranges.sort((a, b) => b[1] - a[1]);
      const pfns = pagesOf(...ranges);
      for (const model of [ARM64_PAGE_TABLES, X86_64_PAGE_TABLES]) {
        assert.deepEqual(batchesOf(pfns, model), twinOfBatches(pfns, model));
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});
