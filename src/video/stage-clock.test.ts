import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { StageClock } from './stage-clock.ts';

test('StageClock gives a stage the time since the one before, and begins anew after a reading', async () => {
  const clock = new StageClock(['wait', 'work']);
  assert.deepEqual(clock.read(), { wait: 0, work: 0 });
  const before = process.hrtime.bigint();
  clock.start();
  const started = process.hrtime.bigint();
  await delay(20);
  const waited = process.hrtime.bigint();
  clock.end('wait');
  const ended = process.hrtime.bigint();
  clock.end('work');
  const after = process.hrtime.bigint();
  const { wait, work } = clock.read();
  assert.ok(wait >= waited - started && wait <= ended - before, `${wait}`);
  assert.ok(work >= 0 && work <= after - waited, `${work}`);
  assert.deepEqual(clock.read(), { wait: 0, work: 0 });
});
