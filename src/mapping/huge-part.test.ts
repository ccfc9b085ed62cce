import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { KiB, MiB } from '../base/sizes.ts';
import type { FileRuns } from '../linux/calls/memory-calls.ts';
import { hugePageBytesOf, hugePartOf } from './huge-part.ts';

function runsOf(...runs: readonly (readonly [offset: number, length: number])[]): FileRuns {
  return {
    count: runs.length,
    offsets: Float64Array.from(runs, ([offset]) => offset),
    lengths: Float64Array.from(runs, ([, length]) => length),
  };
}

test('hugePageBytesOf() is the size that one PMD entry maps', () => {
  const sizes = [4, 16, 64].map((kibibytes) => hugePageBytesOf(toByteLength(kibibytes * KiB)));
  assert.deepEqual(sizes, [2 * MiB, 32 * MiB, 512 * MiB]);
});

test('hugePartOf() is the whole huge pages at the start of a buffer', () => {
  const partOf = (...runs: (readonly [number, number])[]): number | undefined =>
    hugePartOf(runsOf(...runs), [2 * MiB])?.length;
  assert.equal(partOf([0, 8 * MiB]), 8 * MiB);
  assert.equal(partOf([6 * MiB, 2 * MiB], [0, 4 * MiB], [12 * MiB, 3 * MiB], [20 * MiB, 2 * MiB]), 8 * MiB);
  assert.equal(partOf([0, 2 * MiB + 4 * KiB]), 2 * MiB);
  assert.equal(partOf([0, 2 * MiB - 4 * KiB]), undefined);
  // A place where a huge page cannot begin; and one whose distance from a boundary differs between
  // buffer and file.
  assert.equal(partOf([MiB, 8 * MiB]), undefined);
  assert.equal(partOf([0, 2 * MiB], [5 * MiB, 4 * MiB]), 2 * MiB);
});

test('hugePartOf() counts the smallest size that is allowed, and has windows begin at the largest', () => {
  const part = hugePartOf(runsOf([0, 2 * MiB], [3 * MiB, MiB], [5 * MiB, 68 * KiB]), [2 * MiB, 64 * KiB]);
  assert.deepEqual(part, { length: 3 * MiB + 64 * KiB, pageBytes: 2 * MiB });
  assert.equal(hugePartOf(runsOf([0, 8 * MiB]), []), undefined);
});
