// Any table, by every walk and into every output, against a naive walk written here.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { createPageList, createPlainPageList } from './page-list.ts';
import { pagesByEntry } from './pages-by-entry.ts';
import { pagesByPage } from './pages-by-page.ts';
import { SgTable } from './sg-table.ts';

interface Entry {
  readonly pfn: number;
  readonly offset: number;
  readonly length: number;
}

/** Computes the page of every single byte from `offset + length`. */
function pfnsOfTwin(entries: Entry[], pageSize: number): number[] {
  const pfns: number[] = [];
  for (const { pfn, offset, length } of entries) {
    for (let page = 0; page * pageSize < offset + length; page++) pfns.push(pfn + page);
  }
  return pfns;
}

const pfn = fc.oneof(fc.nat(4096), fc.integer({ min: 0, max: 4_294_966_000 }), fc.constant(4_294_967_000));
const wholePages = fc.oneof(fc.constantFrom(1, 1, 1, 2, 3, 4, 16, 256), fc.nat(70)).map((pages) => pages * 4096);
const length = fc.oneof(wholePages, wholePages, fc.nat(20_000), fc.constantFrom(0, 1, 4095, 4097));
const offset = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(20_000), fc.constantFrom(1, 4095, 4096, 4097));
const entry = fc.record({ pfn, offset, length });
/** Mostly entries as heaps make them, and long ranges of equal entries. */
const range = fc
  .tuple(entry, fc.oneof(fc.constant(1), fc.nat(40)))
  .map(([first, count]) =>
    Array.from({ length: count }, (_, index) => ({ ...first, pfn: (first.pfn + index * 300) % 4_294_967_000 })),
  );
const table = fc.array(range, { minLength: 1, maxLength: 12 }).map((ranges) => ranges.flat());
const pageSize = fc.constantFrom(4096, 4096, 4096, 16_384, 65_536);

const LIST_PAGES = 250_000;
const MARK = 0x5a5a_5a5a;

test('pagesByEntry() and pagesByPage() agree with a twin on any table', () => {
  const wasm4 = createPageList(LIST_PAGES);
  const wasm8 = createPageList(LIST_PAGES, 8);
  const plain4 = createPlainPageList(LIST_PAGES, 4);
  const plain8 = createPlainPageList(LIST_PAGES, 8);
  fc.assert(
    fc.property(table, pageSize, (entries, pageSize) => {
      fc.pre(entries.length > 0);
      const made = SgTable.fromEntries(entries, { pageSize });
      const pfns = pfnsOfTwin(entries, pageSize);
      const expected = Uint32Array.from(pfns);
      const addresses = BigUint64Array.from(pfns, (value) => BigInt(value) * BigInt(pageSize));
      assert.equal(made.pageCount, pfns.length);
      assert.deepEqual(pagesByPage(made, { pages: pfns.length }), expected);
      assert.deepEqual(pagesByEntry(made, { pages: pfns.length }), expected);
      assert.deepEqual(pagesByPage(made, { width: 8 }), addresses);
      assert.deepEqual(pagesByEntry(made, { width: 8 }), addresses);
      for (const list of [wasm4, plain4]) {
        list.array.fill(MARK, pfns.length, pfns.length + 32);
        assert.deepEqual(pagesByEntry(made, { out: list }), expected);
        assert.ok(list.array.subarray(pfns.length, pfns.length + 32).every((value) => value === MARK));
      }
      for (const list of [wasm8, plain8]) {
        list.array.fill(BigInt(MARK), pfns.length, pfns.length + 32);
        assert.deepEqual(pagesByEntry(made, { out: list }), addresses);
        assert.ok(list.array.subarray(pfns.length, pfns.length + 32).every((value) => value === BigInt(MARK)));
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test('pagesByEntry() agrees with a twin on tables of many blocks', () => {
  const long = fc
    .array(fc.tuple(entry, fc.integer({ min: 1, max: 3000 })), { minLength: 1, maxLength: 8 })
    .map((parts) =>
      parts.flatMap(([first, count]) =>
        Array.from({ length: count }, (_, index) => ({
          pfn: (first.pfn + index * 7) % 4_294_967_000,
          offset: 0,
          length: first.length % 40_000,
        })),
      ),
    );
  fc.assert(
    fc.property(long, (entries) => {
      const made = SgTable.fromEntries(entries);
      const pfns = pfnsOfTwin(entries, 4096);
      assert.deepEqual(pagesByEntry(made, { out: createPageList(made.pageCount + 1) }), Uint32Array.from(pfns));
      assert.deepEqual(pagesByEntry(made), Uint32Array.from(pfns));
    }),
    { seed: 2, numRuns: 40 },
  );
});

test('runs() of any table hold its bytes in order, and no two of them could be one', () => {
  fc.assert(
    fc.property(table, (entries) => {
      fc.pre(entries.length > 0);
      const pieces = entries
        .filter((piece) => piece.length > 0)
        .map((piece) => [BigInt(piece.pfn) * 4096n + BigInt(piece.offset), BigInt(piece.length)] as const);
      const expected: [bigint, bigint][] = [];
      for (const [start, bytes] of pieces) {
        const last = expected.at(-1);
        if (last !== undefined && last[0] + last[1] === start) last[1] += bytes;
        else expected.push([start, bytes]);
      }
      const runs = [...SgTable.fromEntries(entries).runs()];
      assert.ok(runs.every((run) => run.offset < 4096));
      const actual = runs.map((run) => [BigInt(run.pfn) * 4096n + BigInt(run.offset), BigInt(run.length)]);
      assert.deepEqual(actual, expected);
    }),
    { seed: 3, numRuns: 1000 },
  );
});
