import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sample, toSample } from './sampling.ts';

test('toSample() gives the quartiles, interpolated between two values', () => {
  assert.deepEqual(toSample([5, 1, 2, 4, 3]), {
    minNs: 1,
    firstQuartileNs: 2,
    medianNs: 3,
    thirdQuartileNs: 4,
  });
  assert.deepEqual(toSample([10, 20, 30, 40]), {
    minNs: 10,
    firstQuartileNs: 17.5,
    medianNs: 25,
    thirdQuartileNs: 32.5,
  });
});

test('sample() runs the warm-up and the rounds, and no more', () => {
  let runs = 0;
  const result = sample(() => (runs += 1), { rounds: 7, warmupRounds: 3 });
  assert.equal(runs, 10);
  assert.ok(result.minNs > 0);
  assert.ok(result.minNs <= result.medianNs);
});

test('sample() leaves the warm-up out of the measurement', (t) => {
  let now = 0n;
  t.mock.method(process.hrtime, 'bigint', () => now);
  let runs = 0;
  const slowAtFirst = (): void => {
    runs += 1;
    now += runs <= 2 ? 50_000_000n : 7n;
  };
  const times = sample(slowAtFirst, { rounds: 2, warmupRounds: 2 });
  assert.deepEqual(times, { minNs: 7, firstQuartileNs: 7, medianNs: 7, thirdQuartileNs: 7 });
});

test('sample() passes on errors of the run', () => {
  const fail = (): void => {
    throw new Error('from the run');
  };
  assert.throws(() => sample(fail), /from the run/u);
});
