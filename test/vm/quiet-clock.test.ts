import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fixedWork, measureFixedWorkMs } from '../../vm/fixed-work.ts';
import { QuietClock } from '../../vm/quiet-clock.ts';

/** A clock whose measurements are `worksMs`, one after the other. */
function clockOf(worksMs: readonly number[]): QuietClock {
  const left = [...worksMs];
  return new QuietClock({ intervalSeconds: 5, quietMs: 10, measureMs: () => left.shift() ?? Number.NaN });
}

test('QuietClock counts an interval in full where work takes what it takes on a quiet machine', () => {
  const clock = clockOf([10, 10, 10]);
  assert.deepEqual([clock.seconds, clock.slowdown], [0, 1]);
  clock.tick();
  clock.tick();
  assert.deepEqual([clock.seconds, clock.slowdown], [10, 1]);
});

test('QuietClock goes as many times slower as work takes longer, each time anew', () => {
  const clock = clockOf([10, 40, 160, 10]);
  clock.tick();
  assert.deepEqual([clock.seconds, clock.slowdown], [1.25, 4]);
  clock.tick();
  assert.deepEqual([clock.seconds, clock.slowdown], [1.5625, 16]);
  clock.tick();
  assert.deepEqual([clock.seconds, clock.slowdown], [6.5625, 1]);
});

test('QuietClock goes no faster on a machine that is faster than the quiet one', () => {
  const clock = clockOf([1, 1]);
  clock.tick();
  assert.deepEqual([clock.seconds, clock.slowdown], [5, 1]);
});

test('fixedWork() takes every one of its steps, and time that can be measured', () => {
  // By a generator of the same numbers in 64 bits of integers: factor and addend of 25,000,000
  // steps at once, by squaring.
  let [factor, addend, stepFactor, stepAddend] = [1n, 0n, 1_664_525n, 1_013_904_223n];
  for (let count = 25_000_000n; count > 0n; count >>= 1n) {
    if ((count & 1n) === 1n) [factor, addend] = [factor * stepFactor, addend * stepFactor + stepAddend];
    [stepFactor, stepAddend] = [stepFactor * stepFactor, stepAddend * (stepFactor + 1n)];
    [factor, addend, stepFactor, stepAddend] = [factor, addend, stepFactor, stepAddend].map((value) =>
      BigInt.asUintN(32, value),
    ) as [bigint, bigint, bigint, bigint];
  }
  assert.equal(fixedWork(), Number(BigInt.asIntN(32, factor + addend)));
  assert.ok(measureFixedWorkMs() > 0);
});
