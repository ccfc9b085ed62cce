import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SequenceCounter } from './sequence-counter.ts';

function countAll(raw: readonly number[]): (readonly [sequence: number, lost: number])[] {
  const counter = new SequenceCounter();
  return raw.map((each) => {
    const { sequence, lostCount } = counter.count(each);
    return [sequence, lostCount];
  });
}

test('SequenceCounter goes on beyond 2^32, and counts what was lost across it', () => {
  assert.deepEqual(countAll([4_294_967_293, 4_294_967_295, 0, 3]), [
    [4_294_967_293, 0],
    [4_294_967_295, 1],
    [4_294_967_296, 0],
    [4_294_967_299, 2],
  ]);
});

test('SequenceCounter counts by itself where a driver does not, or begins anew', () => {
  assert.deepEqual(countAll([0, 0, 0]), [
    [0, 0],
    [1, 0],
    [2, 0],
  ]);
  assert.deepEqual(countAll([900, 0, 1]), [
    [900, 0],
    [901, 0],
    [902, 0],
  ]);
});
