import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { InvariantError } from '../base/assert.ts';
import { toByteLength } from '../base/quantities.ts';
import { pagesByEntry } from './pages-by-entry.ts';
import { pagesByPage } from './pages-by-page.ts';
import { SgTable } from './sg-table.ts';

const PAGE = toByteLength(4096);

function tableOf(...entries: [pfn: number, offset: number, length: number][]): SgTable {
  return SgTable.fromEntries(entries.map(([pfn, offset, length]) => ({ pfn, offset, length })));
}

test('SgTable.fromEntries() keeps entries as they are', () => {
  const entries = [
    { pfn: 256, offset: 0, length: 1_048_576 },
    { pfn: 512, offset: 0, length: 0 },
    { pfn: 512, offset: 9000, length: 10 },
    { pfn: 1_099_511_627_775, offset: 0, length: 4096 },
  ];
  const table = SgTable.fromEntries(entries);
  assert.deepEqual([...table.entries()], entries);
  assert.deepEqual(table.entry(2), { pfn: 512, offset: 9000, length: 10 });
  assert.equal(table.entryCount, 4);
  assert.equal(table.length, 1_052_682);
  assert.equal(table.pageSize, 4096);
});

test('SgTable.fromEntries() takes any iterable, once', () => {
  function* entries(): Generator<{ pfn: number; offset: number; length: number }> {
    for (let index = 0; index < 100; index++) yield { pfn: index * 2, offset: 0, length: 4096 };
  }
  const table = SgTable.fromEntries(entries());
  assert.equal(table.entryCount, 100);
  assert.deepEqual(table.entry(99), { pfn: 198, offset: 0, length: 4096 });
});

test('SgTable.pageCount counts pages as the page iterator of the kernel does', () => {
  const cases: [offset: number, length: number, pages: number][] = [
    [0, 0, 0],
    [1, 0, 1],
    [0, 1, 1],
    [0, 4096, 1],
    [0, 4097, 2],
    [4095, 1, 1],
    [4095, 2, 2],
    [4096, 4096, 2],
    [8192, 0, 2],
    [0, 4_294_963_200, 1_048_575],
    [4_294_963_199, 1, 1_048_575],
  ];
  for (const [offset, length, pages] of cases) assert.equal(tableOf([7, offset, length]).pageCount, pages);
  assert.equal(
    tableOf(...cases.map(([offset, length]): [number, number, number] => [7, offset, length])).pageCount,
    2_097_162,
  );
});

test('SgTable.pageCount goes by the page size', () => {
  const entries = [{ pfn: 3, offset: 0, length: 65_537 }];
  assert.equal(SgTable.fromEntries(entries, { pageSize: 16_384 }).pageCount, 5);
  assert.equal(SgTable.fromEntries(entries, { pageSize: 65_536 }).pageCount, 2);
});

test('SgTable.fromEntries() refuses entries that the kernel could not hold', () => {
  const refused: [entry: [number, number, number], message: RegExp][] = [
    [
      [-1, 0, 4096],
      /^Cannot make an sg table: 'entries\[0\]\.pfn' must be a whole number from 0 to 1099511627775, received -1$/u,
    ],
    [[0.5, 0, 4096], /'entries\[0\]\.pfn' .*0\.5$/u],
    [[1_099_511_627_776, 0, 4096], /'entries\[0\]\.pfn' .*1099511627776$/u],
    [[0, -1, 4096], /'entries\[0\]\.offset' .*-1$/u],
    [[0, 4_294_967_296, 0], /'entries\[0\]\.offset' .*4294967296$/u],
    [[0, 0, 4_294_967_296], /'entries\[0\]\.length' .*4294967296$/u],
    [[0, 0, Number.NaN], /'entries\[0\]\.length' .*NaN$/u],
    [
      [0, 0, 4_294_963_201],
      /'entries\[0\]\.length' must be at most 4294963200 bytes with its offset.*wraps, received 4294963201$/u,
    ],
    [[0, 4_294_963_200, 1], /with its offset.*4294963201$/u],
    [[1_099_511_627_775, 0, 4097], /last pfn of at most 1099511627775, received 1099511627776$/u],
  ];
  for (const [entry, message] of refused) assert.throws(() => tableOf(entry), { name: 'RangeError', message });
  const text = { pfn: '1', offset: 0, length: 0 } as unknown as { pfn: number; offset: number; length: number };
  assert.throws(() => SgTable.fromEntries([text]), TypeError);
  assert.throws(() => SgTable.fromEntries([]), {
    name: 'RangeError',
    message: /'entries' must have at least one entry, received 0$/u,
  });
});

test('SgTable.fromEntries() allows more where pages are larger, and refuses later', () => {
  const entry = { pfn: 0, offset: 0, length: 4_294_901_760 };
  assert.equal(SgTable.fromEntries([entry], { pageSize: 65_536 }).pageCount, 65_535);
  assert.throws(() => SgTable.fromEntries([{ ...entry, length: entry.length + 1 }], { pageSize: 65_536 }), RangeError);
});

test('SgTable.fromEntries() refuses options it does not know', () => {
  const entries = [{ pfn: 0, offset: 0, length: 4096 }];
  assert.throws(() => SgTable.fromEntries(entries, { pageSize: 8192 }), TypeError);
  assert.throws(
    () => SgTable.fromEntries(entries, { pagesize: 4096 } as object),
    /'pagesize' is not one of the options/u,
  );
});

test('SgTable describes at most 2^31 - 1 pages', () => {
  // 2,048 entries of 1,048,575 pages and 2,047 single pages make 2^31 - 1.
  const large = { pfn: 0, offset: 0, length: 4_294_963_200 };
  const small = { pfn: 0, offset: 0, length: 4096 };
  const entries = Array.from({ length: 4095 }, (_, index) => (index < 2048 ? large : small));
  assert.equal(SgTable.fromEntries(entries).pageCount, 2_147_483_647);
  assert.throws(() => SgTable.fromEntries([...entries, small]), {
    name: 'RangeError',
    message: "Cannot make an sg table: 'entries' must describe at most 2147483647 pages, received 2147483648",
  });
});

test('SgTable.entry() refuses an index outside the table', () => {
  const table = tableOf([1, 0, 4096], [2, 0, 4096]);
  assert.equal(table.entry(1).pfn, 2);
  for (const index of [-1, 2, 0.5]) assert.throws(() => table.entry(index), RangeError);
});

test('SgTable.fromChunks() makes one entry of each chunk', () => {
  const table = SgTable.fromChunks({
    pfns: Uint32Array.of(1024, 16, 17),
    orders: Uint8Array.of(8, 0, 0),
    pageSize: PAGE,
  });
  assert.deepEqual(
    [...table.entries()],
    [
      { pfn: 1024, offset: 0, length: 1_048_576 },
      { pfn: 16, offset: 0, length: 4096 },
      { pfn: 17, offset: 0, length: 4096 },
    ],
  );
  assert.equal(table.pageCount, 258);
  assert.equal(table.length, 1_056_768);
});

test('SgTable.fromChunks() keeps no reference to its arrays', () => {
  const pfns = Uint32Array.of(1);
  const table = SgTable.fromChunks({ pfns, orders: Uint8Array.of(0), pageSize: PAGE });
  pfns[0] = 2;
  assert.equal(table.entry(0).pfn, 1);
});

test('SgTable.fromChunks() holds the largest pfns and asserts what heaps promise', () => {
  const chunks = { pfns: [1_099_511_627_774], orders: [1], pageSize: PAGE };
  assert.equal(SgTable.fromChunks(chunks).entry(0).pfn, 1_099_511_627_774);
  assert.throws(() => SgTable.fromChunks({ ...chunks, orders: [2] }), InvariantError);
  assert.throws(() => SgTable.fromChunks({ pfns: [0], orders: [20], pageSize: PAGE }), InvariantError);
  assert.equal(SgTable.fromChunks({ pfns: [0], orders: [19], pageSize: PAGE }).length, 2_147_483_648);
  assert.throws(() => SgTable.fromChunks({ ...chunks, orders: [] }), InvariantError);
  assert.throws(() => SgTable.fromChunks({ ...chunks, pfns: [-1] }), InvariantError);
});

test('SgTable.orders() counts entries by order, largest first', () => {
  const table = SgTable.fromChunks({ pfns: [0, 256, 600, 601, 602], orders: [8, 8, 0, 0, 0], pageSize: PAGE });
  assert.deepEqual([...table.orders()], [[8, 2], [0, 3]]); // prettier-ignore
});

test('SgTable.orders() puts other numbers of pages under the next lower order, and leaves empty entries out', () => {
  const lengths = [0, 1, 4096, 8192, 12_288, 12_289, 61_440, 65_536, 4_294_963_200];
  const table = tableOf(...lengths.map((length): [number, number, number] => [0, 0, length]));
  assert.deepEqual([...table.orders()], [[19, 1], [4, 1], [3, 1], [2, 1], [1, 2], [0, 2]]); // prettier-ignore
});

test('SgTable shows its size when inspected, and does nothing else', () => {
  const table = SgTable.fromChunks({ pfns: [0, 256], orders: [8, 8], pageSize: PAGE });
  assert.equal(inspect(table), 'SgTable { 2 entries, 512 pages, 2 MiB }');
});

test('SgTable.fromEntries and the walks refuse values that are not a list or a table', () => {
  assert.throws(() => SgTable.fromEntries({ pfn: 1 } as never), TypeError);
  assert.throws(() => SgTable.fromEntries(undefined as never), TypeError);
  for (const walk of [pagesByPage, pagesByEntry]) {
    assert.throws(() => walk(undefined as never), TypeError);
    assert.throws(() => walk([1] as never), /'table' must be an SgTable/u);
  }
});
