import assert from 'node:assert/strict';
import { test } from 'node:test';

import { flipsIn } from './drm-commit-calls.ts';

/** As a little-endian machine has them. */
function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

const FLIP = 2;
const VBLANK = 1;
const LENGTH = 32;

test('flipsIn reads flips among events of other kinds and lengths', () => {
  const events = [
    [VBLANK, LENGTH, 9, 0, 1, 2, 3, 4],
    [FLIP, LENGTH, 7, 0, 1_700_000_000, 999_999, 0xffff_ffff, 41],
    [3, 40, 0, 0, 0, 0, 0, 0, 0, 0],
    [FLIP, LENGTH, 8, 0, 1, 2, 0, 41],
  ];
  assert.deepEqual(flipsIn(words(...events.flat())), [
    { token: 7, seconds: 1_700_000_000, microseconds: 999_999, sequence: 0xffff_ffff },
    { token: 8, seconds: 1, microseconds: 2, sequence: 0 },
  ]);
});

test('flipsIn stops at an event that ends behind the bytes, or is too short to be one', () => {
  const flip = [FLIP, LENGTH, 7, 0, 1, 2, 3, 4];
  assert.equal(flipsIn(words(...flip, FLIP, LENGTH, 8)).length, 1);
  assert.equal(flipsIn(words(...flip, FLIP, 0, ...flip)).length, 1);
  assert.equal(flipsIn(words(FLIP, 16, 7, 0, ...flip)).length, 1);
  assert.deepEqual(flipsIn(new Uint8Array(7)), []);
});
