import assert from 'node:assert/strict';
import { test } from 'node:test';

import { judgeReadSpeed, measureReadSpeed } from './read-speed.ts';

const MIB = 1_048_576;

test('judgeReadSpeed() calls a mapping slow that reads more than 4 times slower than ordinary memory', () => {
  assert.deepEqual(judgeReadSpeed(MIB, [{ ms: 8, ordinaryMs: 0.25 }]), {
    bytesPerSecond: 131_072_000,
    ordinaryBytesPerSecond: 4_194_304_000,
    slow: true,
  });
  assert.equal(judgeReadSpeed(MIB, [{ ms: 1, ordinaryMs: 0.25 }]).slow, false);
});

test('judgeReadSpeed() takes the best round for the speed, and the median of the ratios for the verdict', () => {
  const cached = [
    { ms: 9, ordinaryMs: 1 },
    { ms: 1, ordinaryMs: 1 },
    { ms: 2, ordinaryMs: 2 },
    { ms: 9, ordinaryMs: 1 },
    { ms: 1, ordinaryMs: 0.5 },
  ];
  assert.equal(judgeReadSpeed(MIB, cached).slow, false);
  assert.equal(judgeReadSpeed(MIB, cached).bytesPerSecond, 1_048_576_000);
  const uncached = [
    { ms: 8, ordinaryMs: 1 },
    { ms: 8, ordinaryMs: 9 },
    { ms: 8, ordinaryMs: 1 },
  ];
  assert.equal(judgeReadSpeed(MIB, uncached).slow, true);
});

test('measureReadSpeed() gives finite speeds for a page and for more than its sample', () => {
  for (const length of [4096, 3 * 1_048_576]) {
    const speed = measureReadSpeed(new Uint8Array(new SharedArrayBuffer(length)));
    assert.ok(speed.bytesPerSecond > 0 && Number.isFinite(speed.bytesPerSecond));
    assert.ok(speed.ordinaryBytesPerSecond > 0 && Number.isFinite(speed.ordinaryBytesPerSecond));
  }
});
