import assert from 'node:assert/strict';
import { test } from 'node:test';

import { judgeReadSpeed, measureReadSpeed } from './read-speed.ts';

test('judgeReadSpeed() calls slow what reads more than 4 times slower than ordinary memory', () => {
  const MIB = 1_048_576;
  assert.deepEqual(judgeReadSpeed({ roundBytes: MIB, ms: 8, ordinaryMs: 0.25 }), {
    bytesPerSecond: 131_072_000,
    ordinaryBytesPerSecond: 4_194_304_000,
    slow: true,
  });
  assert.equal(judgeReadSpeed({ roundBytes: MIB, ms: 1, ordinaryMs: 0.25 }).slow, false);
});

test('measureReadSpeed() gives finite speeds for a page and for more than its sample', () => {
  for (const length of [4096, 3 * 1_048_576]) {
    const speed = measureReadSpeed(new Uint8Array(new SharedArrayBuffer(length)));
    assert.ok(speed.bytesPerSecond > 0 && Number.isFinite(speed.bytesPerSecond));
    assert.ok(speed.ordinaryBytesPerSecond > 0 && Number.isFinite(speed.ordinaryBytesPerSecond));
  }
});
