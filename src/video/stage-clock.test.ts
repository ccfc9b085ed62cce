import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { StageClock } from './stage-clock.ts';

test('StageClock gives a stage the time since the one before, and begins anew after a reading', async () => {
  const clock = new StageClock(['wait', 'work']);
  assert.deepEqual(clock.read(), { wait: 0, work: 0 });
  clock.start();
  await delay(20);
  clock.end('wait');
  clock.end('work');
  const { wait, work } = clock.read();
  // A timer is never early by more than a millisecond.
  assert.ok(wait >= 19e6, `${wait}`);
  assert.ok(work < wait, `${work}`);
  assert.deepEqual(clock.read(), { wait: 0, work: 0 });
});
