import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';

import { AsyncQueue } from './async-queue.ts';

test('AsyncQueue.take runs work one after another, in the order of the calls', async () => {
  const turns = new AsyncQueue();
  const steps: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    steps.push(`${name} begins`);
    await setImmediate();
    steps.push(`${name} ends`);
    return name;
  };
  assert.equal(turns.idle, true);
  const results = Promise.all([turns.take(work('a'), undefined), turns.take(work('b'), undefined)]);
  assert.equal(turns.idle, false);
  assert.deepEqual(await results, ['a', 'b']);
  await turns.settled();
  assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends']);
  assert.equal(turns.idle, true);
});

test('AsyncQueue.take continues after work that failed', async () => {
  const turns = new AsyncQueue();
  const failed = turns.take(async () => await Promise.reject(new Error('the first failed')), undefined);
  const next = turns.take(async () => await Promise.resolve('the second ran'), undefined);
  await assert.rejects(failed, { message: 'the first failed' });
  assert.equal(await next, 'the second ran');
});

test('AsyncQueue.take never runs work that was aborted before its turn, and rejects at once', async () => {
  const turns = new AsyncQueue();
  let finish = (): void => {};
  const first = turns.take(
    async () =>
      await new Promise<void>((resolve) => {
        finish = resolve;
      }),
    undefined,
  );
  const giveUp = new AbortController();
  let ran = false;
  const second = turns.take(async () => {
    ran = true;
    await Promise.resolve();
  }, giveUp.signal);
  const reason = new Error('Enough');
  giveUp.abort(reason);
  await assert.rejects(second, (error) => error === reason);
  assert.equal(turns.idle, false);
  finish();
  await first;
  await turns.settled();
  assert.equal(ran, false);
  assert.equal(turns.idle, true);
  await assert.rejects(
    turns.take(async () => await Promise.resolve(), giveUp.signal),
    (error) => error === reason,
  );
});

test('AsyncQueue.take leaves the abort of running work to the work itself', async () => {
  const turns = new AsyncQueue();
  const giveUp = new AbortController();
  const running = turns.take(async () => {
    await setImmediate();
    giveUp.abort();
    return await Promise.resolve('done all the same');
  }, giveUp.signal);
  assert.equal(await running, 'done all the same');
});
