import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { KernelLock } from './kernel-lock.ts';

test('a lock is held by one at a time, and goes to those who wait in their order', async () => {
  const lock = new KernelLock();
  const order: string[] = [];
  const hold = async (name: string): Promise<string> =>
    await lock.hold(async () => {
      order.push(`${name} begins`);
      await turn();
      order.push(`${name} ends`);
      return name;
    });
  const tasks = [hold('a'), hold('b'), hold('c')];
  assert.equal(lock.isHeld, true);
  assert.deepEqual(await Promise.all(tasks), ['a', 'b', 'c']);
  assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.equal(lock.isHeld, false);
  const { holdCount, waitCount, heldNs, heldNsMax, waitedNs } = lock.use;
  assert.deepEqual([holdCount, waitCount], [3, 2]);
  assert.ok(heldNs >= heldNsMax && heldNsMax > 0 && waitedNs > 0);
});

test('a lock is given back when its holder fails, to the next', async () => {
  const lock = new KernelLock();
  const failing = lock.hold(async () => {
    await turn();
    throw new Error('the holder fails');
  });
  const next = lock.hold(() => 'next');
  await assert.rejects(failing, /the holder fails/u);
  assert.equal(await next, 'next');
  await assert.rejects(
    lock.hold(() => {
      throw new Error('at once');
    }),
    /at once/u,
  );
  assert.equal(lock.isHeld, false);
});

test('whoever comes as a lock is passed on waits behind', async () => {
  const lock = new KernelLock();
  const order: string[] = [];
  const first = lock.hold(async () => {
    await turn();
    order.push('first');
  });
  const second = lock.hold(() => void order.push('second'));
  await first;
  const third = lock.hold(() => void order.push('third'));
  await Promise.all([second, third]);
  assert.deepEqual(order, ['first', 'second', 'third']);
});
