/**
 * The expectations of the kernel's own tests of dma_fence (drivers/dma-buf/st-dma-fence.c), and
 * those for our additions.
 */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';

import { stateOf } from '../../../test/support/runner/promise-state.ts';
import { Fence, checkFence } from './fence.ts';

test('Fence has the name it is given, or none', () => {
  assert.equal(new Fence('npu').name, 'npu');
  assert.equal(new Fence().name, '');
});

test('Fence.signal signals once: the first says so, every other changes nothing', () => {
  const fence = new Fence();
  assert.equal(fence.signaled, false);
  assert.equal(fence.signal(), true);
  assert.equal(fence.signaled, true);
  assert.equal(fence.signal(), false);
  assert.equal(fence.signaled, true);
});

test('Fence.error is undefined until signaled, and then what the work failed with', () => {
  const fence = new Fence();
  const failure = new Error('the device is gone');
  assert.equal(fence.error, undefined);
  fence.signal(failure);
  assert.equal(fence.error, failure);
  fence.signal(new Error('later'));
  assert.equal(fence.error, failure);
});

test('Fence.error stays undefined when nothing failed, regardless of a second signal', () => {
  const fence = new Fence();
  fence.signal();
  fence.signal(new Error('later'));
  assert.equal(fence.error, undefined);
});

test('Fence.onSignal calls back once, in the order added, when the fence is signaled already', () => {
  const fence = new Fence();
  const calls: string[] = [];
  for (const name of ['a', 'b', 'c']) fence.onSignal(() => calls.push(`${name} ${fence.signaled}`));
  assert.deepEqual(calls, []);
  fence.signal();
  fence.signal();
  assert.deepEqual(calls, ['a true', 'b true', 'c true']);
});

test('Fence.onSignal returns undefined after the signal, and never calls back', () => {
  const fence = new Fence();
  fence.signal();
  assert.equal(
    fence.onSignal(() => assert.fail('called back')),
    undefined,
  );
  fence.signal();
});

test('Fence.onSignal refuses a callback that is added while others are called', () => {
  const fence = new Fence();
  let late: unknown = 'not tried';
  fence.onSignal(() => {
    late = fence.onSignal(() => assert.fail('called back'));
  });
  fence.signal();
  assert.equal(late, undefined);
});

test('Fence.onSignal returns a function that removes the callback', () => {
  const fence = new Fence();
  const calls: string[] = [];
  const takeBack = fence.onSignal(() => calls.push('taken back'));
  fence.onSignal(() => calls.push('kept'));
  takeBack?.();
  fence.signal();
  assert.deepEqual(calls, ['kept']);
});

test('Fence.onSignal returns a function that does nothing after the signal', () => {
  const fence = new Fence();
  const calls: string[] = [];
  const takeBack = fence.onSignal(() => calls.push('called'));
  fence.signal();
  takeBack?.();
  takeBack?.();
  assert.deepEqual(calls, ['called']);
});

test('Fence.onSignal calls a function twice that was added twice, and removes one of the two', () => {
  const fence = new Fence();
  let count = 0;
  const callback = (): void => {
    count += 1;
  };
  fence.onSignal(callback);
  const takeBack = fence.onSignal(callback);
  fence.onSignal(callback);
  takeBack?.();
  fence.signal();
  assert.equal(count, 2);
});

test('Fence.wait resolves when signaled, for every waiter, and not before', async () => {
  const fence = new Fence();
  const waits = [fence.wait(), fence.wait(), fence.wait()];
  for (const wait of waits) assert.equal(await stateOf(wait), 'pending');
  fence.signal();
  for (const wait of waits) assert.equal(await stateOf(wait), 'fulfilled');
});

test('Fence.wait resolves at once after the signal, even for failed work', async () => {
  const fence = new Fence();
  const before = fence.wait();
  fence.signal(new Error('the device is gone'));
  await before;
  await fence.wait();
  await fence.wait({ signal: AbortSignal.abort() });
});

test('Fence.wait rejects with the reason when aborted before or while it waits', async () => {
  const fence = new Fence();
  const reason = new Error('given up');
  await assert.rejects(fence.wait({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
  const controller = new AbortController();
  const wait = fence.wait({ signal: controller.signal });
  assert.equal(await stateOf(wait), 'pending');
  controller.abort(reason);
  await assert.rejects(wait, (error) => error === reason);
  assert.equal(fence.signal(), true);
});

test('Fence.wait aborted by one waiter leaves the others waiting', async () => {
  const fence = new Fence();
  const controller = new AbortController();
  const givenUp = fence.wait({ signal: controller.signal });
  const kept = fence.wait();
  controller.abort();
  await assert.rejects(givenUp, { name: 'AbortError' });
  assert.equal(await stateOf(kept), 'pending');
  fence.signal();
  await kept;
});

test('Fence.wait listens to its signal no longer than it waits', async () => {
  const { signal } = new AbortController();
  const fence = new Fence();
  const wait = fence.wait({ signal });
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  fence.signal();
  await wait;
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('checkFence gives a fence, and refuses with a TypeError an object that only looks like one', () => {
  const fence = new Fence();
  assert.equal(checkFence(fence), fence);
  for (const value of [undefined, null, {}, { signaled: false, wait: async () => {} }, Fence]) {
    assert.throws(() => checkFence(value), { name: 'TypeError' });
  }
});
