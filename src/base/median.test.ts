import assert from 'node:assert/strict';
import { test } from 'node:test';

import { InvariantError } from './assert.ts';
import { median, quantile } from './median.ts';

test('median() is the middle value, or the mean of the middle two', () => {
  assert.equal(median([7]), 7);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 1, 2, 4]), 3);
  assert.throws(() => median([]), InvariantError);
});

test('median() sorts by value and leaves its argument alone', () => {
  const values = [100, 9, 20];
  assert.equal(median(values), 20);
  assert.deepEqual(values, [100, 9, 20]);
});

test('quantile() interpolates between two of the sorted values', () => {
  assert.equal(quantile([10, 20, 30, 40], 0.25), 17.5);
  assert.equal(quantile([1, 2, 3], 1), 3);
});
