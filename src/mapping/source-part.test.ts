import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { MemorySource } from './memory-source.ts';
import { partOfSource } from './source-part.ts';

/** Runs of a file, as [offset, length] in pages. */
type Runs = readonly (readonly [offset: number, length: number])[];

function sourceOf(runs: Runs): MemorySource {
  return {
    pageSize: toByteLength(4096),
    fd: 7 as BorrowedFd,
    runs: {
      count: runs.length,
      offsets: Float64Array.from(runs, ([offset]) => offset * 4096),
      lengths: Float64Array.from(runs, ([, length]) => length * 4096),
    },
    touched: false,
    committed: false,
  };
}

function partOf(runs: Runs, offset: number, length: number): Runs {
  const { count, offsets, lengths } = partOfSource(sourceOf(runs), offset * 4096, toByteLength(length * 4096)).runs;
  assert.equal(offsets.length, count);
  assert.equal(lengths.length, count);
  return Array.from(offsets, (at, index) => [at / 4096, (lengths[index] as number) / 4096]);
}

/** The pages of runs one by one: an oracle that does not cut runs. */
function pagesOf(runs: Runs): number[] {
  return runs.flatMap(([offset, length]) => Array.from({ length }, (_, index) => offset + index));
}

const RUNS: Runs = [
  [100, 4],
  [50, 1],
  [200, 8],
];

test('partOfSource cuts the first and the last run to the part', () => {
  assert.deepEqual(partOf(RUNS, 1, 2), [[101, 2]]);
  assert.deepEqual(partOf(RUNS, 3, 3), [
    [103, 1],
    [50, 1],
    [200, 1],
  ]);
  assert.deepEqual(partOf(RUNS, 4, 1), [[50, 1]]);
  assert.deepEqual(partOf(RUNS, 12, 1), [[207, 1]]);
  assert.deepEqual(partOf(RUNS, 0, 13), RUNS);
});

test('partOfSource gives the pages of every possible part', () => {
  const pages = pagesOf(RUNS);
  for (let offset = 0; offset < 13; offset += 1) {
    for (let length = 1; offset + length <= 13; length += 1) {
      assert.deepEqual(pagesOf(partOf(RUNS, offset, length)), pages.slice(offset, offset + length));
    }
  }
});

test('partOfSource leaves the whole as it is', () => {
  const source = sourceOf(RUNS);
  partOfSource(source, 4096, toByteLength(4096));
  assert.deepEqual([...source.runs.offsets], [409_600, 204_800, 819_200]);
  assert.deepEqual([...source.runs.lengths], [16_384, 4096, 32_768]);
});
