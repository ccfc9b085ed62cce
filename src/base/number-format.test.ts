import assert from 'node:assert/strict';
import test from 'node:test';

import {
  formatAmount,
  formatCount,
  formatDuration,
  formatDurationRange,
  formatLargeCount,
  formatNsPerPage,
  formatRate,
  formatRatio,
  formatShare,
} from './number-format.ts';

test('formatCount puts a comma before every third digit', () => {
  assert.deepEqual([0, 999, 1000, 65_530, 524_288, 1_048_576].map(formatCount), [
    '0',
    '999',
    '1,000',
    '65,530',
    '524,288',
    '1,048,576',
  ]);
});

test('formatAmount takes the singular for 1 alone', () => {
  assert.equal(formatAmount(1, 'entry', 'entries'), '1 entry');
  assert.equal(formatAmount(0, 'entry', 'entries'), '0 entries');
  assert.equal(formatAmount(2048, 'entry', 'entries'), '2,048 entries');
});

test('formatLargeCount gives three digits and a letter from a thousand on', () => {
  assert.deepEqual([0.4, 812, 1000, 52_130, 4_204_000, 5.5e9].map(formatLargeCount), [
    '0',
    '812',
    '1.00 k',
    '52.1 k',
    '4.20 M',
    '5.50 G',
  ]);
});

test('formatDurationRange takes the unit of its end', () => {
  assert.equal(formatDurationRange(118_000, 1_510_000), '0.12-1.51 ms');
  assert.equal(formatDurationRange(12, 812), '12-812 ns');
  assert.equal(formatDurationRange(0, 0), '0-0 ns');
  assert.equal(formatDurationRange(61_200, 284_000), '61.2-284 µs');
});

test('formatDuration takes the largest unit that the value fills, and three digits', () => {
  assert.deepEqual([0.4, 812, 1000, 52_130, 999_999, 4_204_000, 795_273_143, 1.5e9, 123e9].map(formatDuration), [
    '0 ns',
    '812 ns',
    '1.00 µs',
    '52.1 µs',
    '1,000 µs',
    '4.20 ms',
    '795 ms',
    '1.50 s',
    '123 s',
  ]);
});

test('formatRatio keeps one decimal up to 100, two below 1', () => {
  assert.deepEqual([0.834, 1, 6.24, 36.36, 99.96, 189.3, 12_345].map(formatRatio), [
    '0.83x',
    '1.0x',
    '6.2x',
    '36.4x',
    '100x',
    '189x',
    '12,345x',
  ]);
});

test('formatNsPerPage shows three digits', () => {
  assert.deepEqual([0.0993, 3.61, 9.996, 47.25, 1517.4].map(formatNsPerPage), [
    '0.10',
    '3.61',
    '10.0',
    '47.3',
    '1,517',
  ]);
});

test('formatRate and formatShare show three digits, and what is little as less than something', () => {
  assert.deepEqual([0, 0.001, 0.5, 60, 12_345].map(formatRate), ['0.00/s', '<0.01/s', '0.50/s', '60.0/s', '12,345/s']);
  assert.deepEqual([0, 0.00001, 0.042, 0.284, 1.5].map(formatShare), [
    '0.00 %',
    '<0.01 %',
    '4.20 %',
    '28.4 %',
    '150 %',
  ]);
});
