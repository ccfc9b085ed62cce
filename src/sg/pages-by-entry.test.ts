// Both walks: their results, where they write, and what they refuse. Tries every output in both
// widths.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { createPageList, createPlainPageList } from './page-list.ts';
import type { PageList } from './page-list.ts';
import { pagesByEntry } from './pages-by-entry.ts';
import { pagesByPage } from './pages-by-page.ts';
import { SgTable } from './sg-table.ts';

declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

type Entry = [pfn: number, offset: number, length: number];

function tableOf(entries: Entry[], pageSize = 4096): SgTable {
  return SgTable.fromEntries(
    entries.map(([pfn, offset, length]) => ({ pfn, offset, length })),
    { pageSize },
  );
}

/** Asks the engine itself, with a module of one function: v128.const 0, drop. */
function engineHasSimd(): boolean {
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const type = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
  const functions = [0x03, 0x02, 0x01, 0x00];
  const code = [0x0a, 0x17, 0x01, 0x15, 0x00, 0xfd, 0x0c, ...Array<number>(16).fill(0), 0x1a, 0x0b];
  return WebAssembly.validate(Uint8Array.from([...header, ...type, ...functions, ...code]));
}

/** The pfns by every available way. */
function pfnsByEveryWay(table: SgTable): number[][] {
  const room = table.pageCount + 1;
  const pfns = [
    pagesByPage(table),
    pagesByPage(table, { out: createPageList(room) }),
    pagesByEntry(table),
    pagesByEntry(table, { out: createPageList(room) }),
    pagesByEntry(table, { out: createPlainPageList(room, 4) }),
  ];
  const pageSize = BigInt(table.pageSize);
  const addresses = [
    pagesByPage(table, { width: 8 }),
    pagesByPage(table, { out: createPageList(room, 8) }),
    pagesByEntry(table, { width: 8 }),
    pagesByEntry(table, { out: createPageList(room, 8) }),
    pagesByEntry(table, { out: createPlainPageList(room, 8) }),
  ];
  const toPfn = (address: bigint): number => {
    assert.equal(address % pageSize, 0n);
    return Number(address / pageSize);
  };
  return [...pfns.map((way) => Array.from(way)), ...addresses.map((way) => Array.from(way, toPfn))];
}

function assertPfns(entries: Entry[], expected: number[], pageSize?: number): void {
  for (const pfns of pfnsByEveryWay(tableOf(entries, pageSize))) assert.deepEqual(pfns, expected);
}

/** `count` pfns from `first` on. */
function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

test('createPageList() uses WebAssembly SIMD where the engine has it', (context) => {
  assert.equal(createPlainPageList(1, 4).simd, false);
  if (!engineHasSimd()) context.skip('this CPU has no WebAssembly SIMD: every test here runs on the plain loop');
  else assert.equal(createPageList(1).simd, true);
});

test('pagesByEntry() and pagesByPage() yield the pages of an entry', () => {
  assertPfns([[256, 0, 4096]], [256]);
  assertPfns([[256, 0, 16_384]], [256, 257, 258, 259]);
  assertPfns([[0, 0, 8192]], [0, 1]);
});

test('pagesByEntry() and pagesByPage() count partial pages, offsets and empty entries as the kernel does', () => {
  assertPfns([[5, 0, 1], [9, 0, 4097]], [5, 9, 10]); // prettier-ignore
  assertPfns([[5, 4095, 2], [9, 9000, 1]], [5, 6, 9, 10, 11]); // prettier-ignore
  assertPfns([[1, 0, 0], [5, 0, 4096], [2, 0, 0], [3, 100, 0], [9, 0, 8192], [4, 0, 0]], [5, 3, 9, 10]); // prettier-ignore
  assertPfns([[1, 0, 0]], []);
  assertPfns([[1, 0, 0], [5, 0, 8192]], [5, 6]); // prettier-ignore
});

test('pagesByEntry() and pagesByPage() keep the order of the table', () => {
  assertPfns([[9, 0, 4096], [8, 0, 8192], [9, 0, 4096]], [9, 8, 9, 9]); // prettier-ignore
});

test('pagesByEntry() and pagesByPage() depend on the page size', () => {
  assertPfns([[7, 0, 65_536], [3, 16_383, 2]], [7, 8, 9, 10, 3, 4], 16_384); // prettier-ignore
  assertPfns([[7, 0, 65_536], [3, 0, 65_537]], [7, 3, 4], 65_536); // prettier-ignore
});

test('pagesByEntry() and pagesByPage() yield every length of an entry up to 40 pages, at every place in a vector', () => {
  for (let count = 1; count <= 40; count++) {
    for (let before = 0; before < 4; before++) {
      const singles = range(0, before).map((index): Entry => [900 - index * 2, 0, 4096]);
      const expected = [...singles.map(([pfn]) => pfn), ...range(1000, count), 5];
      assertPfns([...singles, [1000, 0, count * 4096], [5, 0, 4096]], expected);
    }
  }
});

test('pagesByEntry() and pagesByPage() yield single pages in any number and between larger entries', () => {
  for (let count = 1; count <= 13; count++) {
    const singles = range(0, count).map((index): Entry => [500 + index * 3, 0, 4096]);
    const pfns = singles.map(([pfn]) => pfn);
    assertPfns(singles, pfns);
    assertPfns([[7, 0, 8192], ...singles, [70, 0, 12_288], ...singles], [7, 8, ...pfns, 70, 71, 72, ...pfns]);
    assertPfns([...singles, [9, 0, 0], ...singles], [...pfns, ...pfns]);
  }
});

test('pagesByEntry() and pagesByPage() agree where the chunks of a kernel table begin and end', () => {
  for (const entryCount of [1, 2, 127, 128, 129, 254, 255, 256, 2048]) {
    const entries = range(0, entryCount).map((index): Entry => [index * 7, 0, 12_288]);
    assertPfns(
      entries,
      entries.flatMap(([pfn]) => [pfn, pfn + 1, pfn + 2]),
    );
  }
});

test('pagesByEntry() and pagesByPage() agree where the blocks of the wasm module begin and end', () => {
  for (const entryCount of [4095, 4096, 4097, 8192, 8193]) {
    const entries = range(0, entryCount).map((index): Entry => [index * 5, 0, 4096 * (1 + (index % 3))]);
    assertPfns(
      entries,
      entries.flatMap(([pfn], index) => range(pfn, 1 + (index % 3))),
    );
  }
});

test('pagesByEntry() and pagesByPage() yield 2 GiB of order 8 and of order 0', () => {
  for (const order of [8, 0]) {
    const entryCount = 524_288 >>> order;
    const pagesOfEntry = 1 << order;
    const entries = range(0, entryCount).map((index): Entry => [
      (entryCount - index) * 2 * pagesOfEntry,
      0,
      4096 << order,
    ]);
    const expected = Uint32Array.from(
      { length: 524_288 },
      (_, page) => (entryCount - (page >>> order)) * 2 * pagesOfEntry + (page & (pagesOfEntry - 1)),
    );
    const addresses = BigUint64Array.from(expected, (pfn) => BigInt(pfn) * 4096n);
    const table = tableOf(entries);
    assert.deepEqual(pagesByPage(table), expected);
    assert.deepEqual(pagesByEntry(table), expected);
    assert.deepEqual(pagesByEntry(table, { out: createPageList(524_288) }), expected);
    assert.deepEqual(pagesByPage(table, { width: 8 }), addresses);
    assert.deepEqual(pagesByEntry(table, { width: 8 }), addresses);
    assert.deepEqual(pagesByEntry(table, { out: createPageList(524_288, 8) }), addresses);
  }
});

test('pagesByEntry() and pagesByPage() yield the largest pfns that fit', () => {
  assertPfns([[4_294_967_294, 0, 8192]], [4_294_967_294, 4_294_967_295]);
  assertPfns([[4_294_967_280, 0, 65_536], [4_294_967_295, 0, 1]], [...range(4_294_967_280, 16), 4_294_967_295]); // prettier-ignore
  // The pfn of an entry without pages is never written.
  assertPfns([[1_099_511_627_775, 0, 0], [6, 0, 4096]], [6]); // prettier-ignore
});

test('pagesByEntry() and pagesByPage() yield addresses of pfns beyond 32 bits', () => {
  const table = tableOf([[1_099_511_627_774, 0, 8192], [4_294_967_295, 0, 8192], [1_048_575, 0, 8192]]); // prettier-ignore
  const expected = BigUint64Array.of(
    0xf_ffff_ffff_e000n, 0xf_ffff_ffff_f000n, 0xfff_ffff_f000n, 0x1000_0000_0000n, 0xffff_f000n, 0x1_0000_0000n,
  ); // prettier-ignore
  assert.deepEqual(pagesByPage(table, { width: 8 }), expected);
  assert.deepEqual(pagesByEntry(table, { width: 8 }), expected);
  assert.deepEqual(pagesByEntry(table, { out: createPageList(6, 8) }), expected);
});

test('pagesByEntry() and pagesByPage() yield addresses of 64 KiB pages beyond 2^53', () => {
  const table = tableOf([[1_099_511_627_775, 0, 1]], 65_536);
  for (const walk of [pagesByPage, pagesByEntry]) {
    assert.deepEqual(walk(table, { width: 8 }), BigUint64Array.of(0xff_ffff_ffff_0000n));
  }
});

test('pagesByEntry() and pagesByPage() return the beginning of out and write nothing behind it', () => {
  const table = tableOf([[5, 0, 4096 * 5], [9, 0, 4096]]); // prettier-ignore
  for (const walk of [pagesByPage, pagesByEntry]) {
    for (const list of [createPageList(40), createPlainPageList(40, 4)]) {
      list.array.fill(77);
      const pages = walk(table, { out: list });
      assert.equal(pages.buffer, list.array.buffer);
      assert.deepEqual(list.array, Uint32Array.of(5, 6, 7, 8, 9, 9, ...Array<number>(34).fill(77)));
    }
    const addresses = createPageList(40, 8);
    addresses.array.fill(77n);
    assert.equal(walk(table, { out: addresses }).length, 6);
    assert.deepEqual(addresses.array.subarray(5), BigUint64Array.of(36_864n, ...Array<bigint>(34).fill(77n)));
    const out = new Uint32Array(16).fill(77);
    assert.deepEqual(walk(table, { out: out.subarray(2) }), Uint32Array.of(5, 6, 7, 8, 9, 9));
    assert.deepEqual(out, Uint32Array.of(77, 77, 5, 6, 7, 8, 9, 9, 77, 77, 77, 77, 77, 77, 77, 77));
  }
});

test('pagesByEntry() takes shared memory as out', () => {
  const out = new Uint32Array(new SharedArrayBuffer(16));
  assert.deepEqual([...pagesByEntry(tableOf([[5, 0, 8192]]), { out })], [5, 6]);
});

test('pagesByEntry() fills one list again and again', () => {
  const list = createPageList(512);
  const large = tableOf([[4096, 0, 2_097_152]]);
  const small = tableOf([[3, 0, 8192], [1, 0, 4096]]); // prettier-ignore
  for (let round = 0; round < 3; round++) {
    assert.deepEqual([...pagesByEntry(large, { out: list })], range(4096, 512));
    assert.deepEqual([...pagesByEntry(small, { out: list })], [3, 4, 1]);
    assert.deepEqual([...list.array.subarray(3)], range(4099, 509));
  }
});

test('pagesByEntry() takes the width from out', () => {
  const table = tableOf([[5, 0, 8192]]);
  for (const walk of [pagesByPage, pagesByEntry]) {
    assert.deepEqual(walk(table, { out: new BigUint64Array(2) }), BigUint64Array.of(20_480n, 24_576n));
    assert.deepEqual(walk(table, { out: new Uint32Array(2), width: 4 }), Uint32Array.of(5, 6));
  }
});

/** Both walks refuse, for every kind of output, and leave the output as it was. */
function assertRefused(table: SgTable, options: { pages?: number }, length: number, message: RegExp): void {
  for (const walk of [pagesByPage, pagesByEntry]) {
    const outs: (Uint32Array | PageList<4>)[] = [
      new Uint32Array(length),
      createPageList(length),
      createPlainPageList(length, 4),
    ];
    for (const out of outs) {
      const array = out instanceof Uint32Array ? out : out.array;
      array.fill(77);
      assert.throws(() => walk(table, { ...options, out }), { name: 'RangeError', message });
      assert.ok(array.every((value) => value === 77));
    }
  }
}

test('pagesByEntry() and pagesByPage() refuse a table of another number of pages, before writing', () => {
  const table = tableOf([[5, 0, 8192], [9, 0, 4096]]); // prettier-ignore
  for (const pages of [0, 2, 4]) {
    assertRefused(
      table,
      { pages },
      8,
      new RegExp(`'pages' must be the 3 pages that the table has, received ${pages}$`, 'u'),
    );
  }
  assert.deepEqual([...pagesByEntry(table, { pages: 3 })], [5, 6, 9]);
  assert.deepEqual([...pagesByPage(table, { pages: 3 })], [5, 6, 9]);
  assert.throws(() => pagesByEntry(table, { pages: -1 }), RangeError);
});

test('pagesByEntry() and pagesByPage() refuse an out that is too short, before writing', () => {
  assertRefused(tableOf([[5, 0, 8192], [9, 0, 4096]]), {}, 2, /'out.length' must be at least 3, received 2$/u); // prettier-ignore
});

test('pagesByEntry() and pagesByPage() refuse a pfn that does not fit 4 bytes, before writing', () => {
  const message = /'width' must be 8 where a pfn is above 4294967295, as 4294967296 is, received 4$/u;
  assertRefused(tableOf([[5, 0, 8192], [4_294_967_296, 0, 4096]]), {}, 8, message); // prettier-ignore
  assertRefused(tableOf([[5, 0, 8192], [4_294_967_295, 0, 8192]]), {}, 8, message); // prettier-ignore
});

test('pagesByEntry() and pagesByPage() refuse options of the wrong kind', () => {
  const table = tableOf([[5, 0, 8192]]);
  for (const walk of [pagesByPage, pagesByEntry] as ((table: SgTable, options: object) => unknown)[]) {
    assert.throws(() => walk(table, { width: 2 }), TypeError);
    assert.throws(() => walk(table, { out: new Int32Array(8) }), TypeError);
    assert.throws(() => walk(table, { out: [] }), TypeError);
    assert.throws(
      () => walk(table, { out: new Uint32Array(8), width: 8 }),
      /'width' must be that of out, 4, received 8$/u,
    );
    assert.throws(() => walk(table, { out: createPageList(8, 8), width: 4 }), TypeError);
    assert.throws(() => walk(table, { count: 2 }), /'count' is not one of the options/u);
  }
});

test('createPageList() has room for the requested pages', () => {
  for (const [pageCount, width] of [
    [1, 4],
    [1000, 8],
    [524_288, 4],
    [524_289, 8],
  ] as const) {
    // prettier-ignore
    const list = createPageList(pageCount, width);
    assert.equal(list.width, width);
    assert.equal(list.capacity, pageCount);
    assert.equal(list.array.length, pageCount);
    assert.equal(list.array.BYTES_PER_ELEMENT, width);
  }
});

test('createPageList() refuses impossible lists', () => {
  for (const pageCount of [0, -1, 1.5, 1_073_741_824]) assert.throws(() => createPageList(pageCount), RangeError);
  assert.throws(() => createPageList(536_870_912, 8), RangeError);
  assert.throws(() => createPageList('1' as unknown as number), TypeError);
  assert.throws(() => createPageList(1, 2 as 4), TypeError);
});

/** Makes a page list in another Node, started with `node` flags after `limit`, a shell command. */
function makeListElsewhere(limit: string, flags: string[]): { started: boolean; output: string } {
  const module = JSON.stringify(new URL('page-list.js', import.meta.url).href);
  const program = `
    import { createPageList } from ${module};
    process.stdout.write('started ');
    const list = createPageList(16);
    process.stdout.write(list.simd + ' ' + list.array.length);`;
  const args = [...flags, '--input-type=module', '--eval', program];
  const child = spawnSync('sh', ['-c', `${limit} && exec "$0" "$@"`, process.execPath, ...args], { encoding: 'utf8' });
  return { started: child.stdout.startsWith('started'), output: child.stdout };
}

test('createPageList() works without WebAssembly where no address space is left for its memory', (context) => {
  // In KiB: room for Node, but not for the 10 GiB that a WebAssembly.Memory wants.
  const { started, output } = makeListElsewhere('ulimit -v 9000000', []);
  if (!started) context.skip('Node does not start within 8.5 GiB of address space');
  else if (process.arch === 'arm64') context.skip('a WebAssembly.Memory reserves less address space on arm64');
  else assert.equal(output, 'started false 16');
});

test('createPageList() works without WebAssembly where the engine has none', () => {
  assert.equal(makeListElsewhere('true', ['--jitless']).output, 'started false 16');
});
