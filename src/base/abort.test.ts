import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { checkSignal, onAbort, throwIfAborted } from './abort.ts';

const SIGNAL = { action: 'wait', name: 'signal' };

test('checkSignal takes signals and undefined, and refuses what merely looks like a signal', () => {
  const { signal } = new AbortController();
  assert.equal(checkSignal(signal, SIGNAL), signal);
  assert.equal(checkSignal(undefined, SIGNAL), undefined);
  const imitation = { aborted: false, reason: undefined, throwIfAborted() {}, addEventListener() {} };
  for (const value of [null, imitation, new Proxy(signal, {}), new EventTarget(), 'signal', 1]) {
    assert.throws(() => checkSignal(value, SIGNAL), {
      name: 'TypeError',
      message: /^Cannot wait: 'signal' must be an AbortSignal, received /u,
    });
  }
});

test('checkSignal takes a signal made in another realm', () => {
  const signal: unknown = runInNewContext('new AbortController().signal', { AbortController });
  assert.equal(checkSignal(signal, SIGNAL), signal);
});

test('throwIfAborted never runs a method that the caller put on the signal', () => {
  let ran = false;
  const control = new AbortController();
  const signal = Object.assign(control.signal, {
    throwIfAborted: () => {
      ran = true;
    },
  });
  throwIfAborted(signal);
  const reason = new Error('Enough');
  control.abort(reason);
  assert.throws(
    () => throwIfAborted(signal),
    (error) => error === reason,
  );
  assert.equal(ran, false);
});

test('onAbort calls every waiter, with one listener on the signal', () => {
  const control = new AbortController();
  const told: string[] = [];
  const stops = ['a', 'b', 'c'].map((name) => onAbort(control.signal, () => told.push(name)));
  assert.equal(getEventListeners(control.signal, 'abort').length, 1);
  stops[1]?.();
  control.abort();
  assert.deepEqual(told, ['a', 'c']);
  assert.equal(getEventListeners(control.signal, 'abort').length, 0);
});

test('onAbort leaves no listener behind once the last waiter is gone, and can be used again', () => {
  const control = new AbortController();
  const told: string[] = [];
  const stop = onAbort(control.signal, () => told.push('a'));
  stop();
  stop();
  assert.equal(getEventListeners(control.signal, 'abort').length, 0);
  onAbort(control.signal, () => told.push('b'));
  control.abort();
  assert.deepEqual(told, ['b']);
});

test('onAbort is not fooled by an event that a program dispatched', () => {
  const control = new AbortController();
  const told: unknown[] = [];
  onAbort(control.signal, (reason) => told.push(reason));
  control.signal.dispatchEvent(new Event('abort'));
  assert.deepEqual(told, []);
  control.abort('done');
  assert.deepEqual(told, ['done']);
});
