import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { bufferSnapshot } from '../../../test/support/fakes/buffer-snapshots.ts';
import { watchBuffers } from './watch.ts';

const SNAPSHOT = bufferSnapshot({ buffers: [], processes: {} });
const INTERVAL_MS = 30;

test('watchBuffers begins the next reading when the previous one has ended and the interval has passed', async () => {
  const events: string[] = [];
  await watchBuffers({
    intervalMs: INTERVAL_MS,
    count: 3,
    read: async () => {
      events.push('begin');
      // Longer than the interval.
      await delay(2 * INTERVAL_MS);
      events.push('end');
      // Timers of one duration fire in their order.
      setTimeout(() => events.push('interval'), INTERVAL_MS);
      return SNAPSHOT;
    },
    show: () => void events.push('show'),
  });
  const reading = ['begin', 'end', 'show'];
  assert.deepEqual(events, [...reading, 'interval', ...reading, 'interval', ...reading]);
});

test('watchBuffers ends at once when it is interrupted, while it reads and while it waits', async () => {
  for (const during of ['reading', 'waiting'] as const) {
    let readCount = 0;
    const listenerCount = process.listenerCount('SIGINT');
    await watchBuffers({
      intervalMs: 3_600_000,
      count: 2,
      read: async (signal) => {
        readCount += 1;
        if (during === 'waiting') return SNAPSHOT;
        process.kill(process.pid, 'SIGINT');
        await delay(3_600_000, undefined, { signal });
        return SNAPSHOT;
      },
      show: () => void process.kill(process.pid, 'SIGINT'),
    });
    assert.equal(readCount, 1);
    assert.equal(process.listenerCount('SIGINT'), listenerCount);
  }
});

test('watchBuffers fails with the error of a reading', async () => {
  const failure = new Error('no such file');
  const read = (): Promise<never> => Promise.reject(failure);
  await assert.rejects(watchBuffers({ intervalMs: 1, count: 2, read, show: () => {} }), failure);
});
