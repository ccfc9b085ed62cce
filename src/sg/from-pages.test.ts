import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { SgTable } from './sg-table.ts';

type Entry = [pfn: number, offset: number, length: number];

function entriesOf(table: SgTable): Entry[] {
  return [...table.entries()].map((entry): Entry => [entry.pfn, entry.offset, entry.length]);
}

test('SgTable.fromPages() merges pages that follow each other', () => {
  const cases: [pfns: number[], entries: Entry[]][] = [
    [[5], [[5, 0, 4096]]],
    [[5, 6, 7], [[5, 0, 12_288]]],
    [[5, 6, 8, 9], [[5, 0, 8192], [8, 0, 8192]]],
    [[7, 6, 5], [[7, 0, 4096], [6, 0, 4096], [5, 0, 4096]]],
    [[5, 5], [[5, 0, 4096], [5, 0, 4096]]],
  ]; // prettier-ignore
  for (const [pfns, entries] of cases) {
    assert.deepEqual(entriesOf(SgTable.fromPages(pfns, { size: pfns.length * 4096 })), entries);
  }
});

test('SgTable.fromPages() begins at the offset and ends at the size', () => {
  assert.deepEqual(entriesOf(SgTable.fromPages([5, 6, 9], { offset: 100, size: 9000 })), [[5, 100, 8092], [9, 0, 908]]); // prettier-ignore
  assert.deepEqual(entriesOf(SgTable.fromPages([5, 6], { offset: 4097, size: 10 })), [[5, 4097, 10]]);
  assert.deepEqual(entriesOf(SgTable.fromPages([5, 6], { size: 0 })), [[5, 0, 0]]);
  assert.deepEqual(entriesOf(SgTable.fromPages([5], { offset: 4096, size: 4096 })), [[5, 4096, 0]]);
});

test('SgTable.fromPages() stops at the end of the pages when the size is larger', () => {
  assert.deepEqual(entriesOf(SgTable.fromPages([5, 7], { offset: 96, size: 1_000_000 })), [[5, 96, 4000], [7, 0, 4096]]); // prettier-ignore
});

test('SgTable.fromPages() closes an entry at maxSegment, rounded down to whole pages', () => {
  const pfns = [1, 2, 3, 4, 5];
  const cases: [maxSegment: number, entries: Entry[]][] = [
    [4096, [[1, 0, 4096], [2, 0, 4096], [3, 0, 4096], [4, 0, 4096], [5, 0, 4096]]],
    [8191, [[1, 0, 4096], [2, 0, 4096], [3, 0, 4096], [4, 0, 4096], [5, 0, 4096]]],
    [8192, [[1, 0, 8192], [3, 0, 8192], [5, 0, 4096]]],
    [20_479, [[1, 0, 16_384], [5, 0, 4096]]],
    [20_480, [[1, 0, 20_480]]],
  ]; // prettier-ignore
  for (const [maxSegment, entries] of cases) {
    assert.deepEqual(entriesOf(SgTable.fromPages(pfns, { size: 20_480, maxSegment })), entries);
  }
});

test('SgTable.fromPages() closes an entry of its own accord at UINT_MAX rounded down to pages', () => {
  const pfns = Array.from({ length: 1_048_577 }, (_, index) => index);
  const table = SgTable.fromPages(pfns, { size: pfns.length * 4096 });
  assert.deepEqual(entriesOf(table), [[0, 0, 4_294_963_200], [1_048_575, 0, 8192]]); // prettier-ignore
});

test('SgTable.fromPages() refuses arguments that the kernel refuses, and those that wrap in it', () => {
  const refused: [pfns: number[], options: Parameters<typeof SgTable.fromPages>[1], message: RegExp][] = [
    [[1], { size: 4096, maxSegment: 0 }, /'maxSegment' must be .* from 4096 to 4294967295, received 0$/u],
    [[1], { size: 4096, maxSegment: 4095 }, /'maxSegment' .*4095$/u],
    [[1], { size: 4096, maxSegment: 4_294_967_296 }, /'maxSegment' .*4294967296$/u],
    [[1], { size: 16_384, maxSegment: 16_383, pageSize: 16_384 }, /'maxSegment' .*16383$/u],
    [[], { size: 4096 }, /'pfns.length' must be .*, received 0$/u],
    [[1, -2], { size: 4096 }, /'pfns\[1\]' .*-2$/u],
    [[1], { size: -1 }, /'size' .*-1$/u],
    [
      [1, 2],
      { size: 10, offset: 8193 },
      /'offset' must be at most the 8192 bytes of the first segment, received 8193$/u,
    ],
    [[1, 3], { size: 4095 }, /'size' must reach the segment of page 1, which begins after 4096 bytes, received 4095$/u],
  ];
  for (const [pfns, options, message] of refused) {
    assert.throws(() => SgTable.fromPages(pfns, options), { name: 'RangeError', message });
  }
  assert.throws(() => SgTable.fromPages([1], {} as { size: number }), TypeError);
  assert.throws(() => SgTable.fromPages(undefined as unknown as number[], { size: 1 }), TypeError);
  assert.throws(
    () => SgTable.fromPages([1], { size: 1, segment: 4096 } as { size: number }),
    /'segment' is not one of the options/u,
  );
});

test('SgTable.appendPages() merges leading pages into the last entry and leaves the old table alone', () => {
  const table = SgTable.fromPages([5, 6], { size: 8192 });
  assert.deepEqual(entriesOf(table.appendPages([7, 8, 20], { size: 12_288 })), [[5, 0, 16_384], [20, 0, 4096]]); // prettier-ignore
  assert.deepEqual(entriesOf(table.appendPages([7, 8], { size: 8192 })), [[5, 0, 16_384]]);
  assert.deepEqual(entriesOf(table.appendPages([8, 9], { size: 8192 })), [[5, 0, 8192], [8, 0, 8192]]); // prettier-ignore
  assert.deepEqual(entriesOf(table), [[5, 0, 8192]]);
});

test('SgTable.appendPages() merges only up to maxSegment', () => {
  const table = SgTable.fromPages([5, 6], { size: 8192 });
  assert.deepEqual(entriesOf(table.appendPages([7, 8, 9], { size: 12_288, maxSegment: 12_288 })), [[5, 0, 12_288], [8, 0, 8192]]); // prettier-ignore
  assert.deepEqual(entriesOf(table.appendPages([7, 8], { size: 8192, maxSegment: 8192 })), [[5, 0, 8192], [7, 0, 8192]]); // prettier-ignore
  assert.deepEqual(entriesOf(table.appendPages([7], { size: 4096, maxSegment: 4096 })), [[5, 0, 8192], [7, 0, 4096]]); // prettier-ignore
});

test('SgTable.appendPages() goes on from the page in which the last entry ends', () => {
  const table = SgTable.fromPages([5, 6], { offset: 10, size: 5000 });
  assert.deepEqual(entriesOf(table.appendPages([6], { size: 4096 })), [[5, 10, 9096]]);
  assert.deepEqual(entriesOf(table.appendPages([7], { size: 4096 })), [[5, 10, 5000], [7, 0, 4096]]); // prettier-ignore
});

test('SgTable.appendPages() does not count merged pages against the size, as the kernel does not', () => {
  const table = SgTable.fromPages([5], { size: 4096 });
  assert.deepEqual(entriesOf(table.appendPages([6, 9], { size: 4196 })), [[5, 0, 8192], [9, 0, 4096]]); // prettier-ignore
});

test('SgTable.appendPages() has no offset, and refuses a last entry that would wrap', () => {
  const table = SgTable.fromEntries([{ pfn: 0, offset: 8192, length: 4_294_955_008 }]);
  assert.throws(() => table.appendPages([1_048_575], { size: 4096 }), { name: 'RangeError', message: /wraps/u });
  assert.throws(
    () => table.appendPages([1], { size: 4096, offset: 1 } as { size: number }),
    /'offset' is not one of the options/u,
  );
});

test('SgTable.appendPages() keeps the page size of its table', () => {
  const table = SgTable.fromPages([4], { size: 16_384, pageSize: 16_384 }).appendPages([5], { size: 16_384 });
  assert.deepEqual([table.pageSize, ...entriesOf(table)], [16_384, [4, 0, 32_768]]);
});

/** The kernel's function in its own shape: it counts the chunks first, then cuts each out. */
function twinOfAppend(
  start: Entry[],
  pages: number[],
  rules: { offset: number; size: number; maxSegment: number },
): Entry[] {
  const page = 4096;
  const maxSegment = rules.maxSegment - (rules.maxSegment % page);
  const entries = start.map((entry): Entry => [...entry]);
  const last = entries.at(-1);
  let rest = [...pages];
  if (last !== undefined) {
    let next = Math.floor((last[0] * page + last[1] + last[2]) / page);
    while (rest[0] === next && last[2] + page <= maxSegment) {
      last[2] += page;
      next += 1;
      rest = rest.slice(1);
    }
  }
  const chunks: number[][] = [];
  for (const pfn of rest) {
    const chunk = chunks.at(-1);
    if (chunk !== undefined && chunk.length * page < maxSegment && chunk.at(-1) === pfn - 1) chunk.push(pfn);
    else chunks.push([pfn]);
  }
  let { offset, size } = rules;
  for (const chunk of chunks) {
    const bytes = chunk.length * page - offset;
    if (bytes < 0 || size < 0) throw new RangeError('wraps');
    entries.push([chunk[0] as number, offset, Math.min(size, bytes)]);
    size -= bytes;
    offset = 0;
  }
  return entries;
}

function outcome(run: () => Entry[]): Entry[] | 'RangeError' {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof RangeError);
    return 'RangeError';
  }
}

test('SgTable.fromPages() and appendPages() agree with a twin on any pages', () => {
  const pages = fc.array(fc.oneof(fc.nat(6), fc.constantFrom(20, 21, 22)), { minLength: 1, maxLength: 12 });
  const ascending = fc
    .tuple(fc.nat(9), fc.integer({ min: 1, max: 12 }))
    .map(([first, count]) => Array.from({ length: count }, (_, index) => first + index));
  const anyPages = fc.oneof(pages, ascending);
  const size = fc.oneof(fc.nat(60_000), fc.constantFrom(4096, 8192, 1_000_000));
  const maxSegment = fc.oneof(fc.integer({ min: 4096, max: 30_000 }), fc.constant(4_294_967_295));
  const offset = fc.oneof(fc.constant(0), fc.nat(9000));
  fc.assert(
    fc.property(anyPages, anyPages, size, size, maxSegment, offset, (...values) => {
      const [first, second, size1, size2, max, offset1] = values;
      const rules = { offset: offset1, size: size1, maxSegment: max };
      const expected = outcome(() => twinOfAppend([], first, rules));
      assert.deepEqual(
        outcome(() => entriesOf(SgTable.fromPages(first, rules))),
        expected,
      );
      if (expected === 'RangeError') return;
      const more = { size: size2, maxSegment: max };
      assert.deepEqual(
        outcome(() => entriesOf(SgTable.fromPages(first, rules).appendPages(second, more))),
        outcome(() => twinOfAppend(expected, second, { ...more, offset: 0 })),
      );
    }),
    { seed: 1, numRuns: 3000 },
  );
});
