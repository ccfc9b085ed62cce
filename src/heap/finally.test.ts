import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';

import { endAfter, endAfterAsync } from './finally.ts';

const BODY_FAILED = new Error('the body failed');
const END_FAILED = new Error('the end failed');

function throwing(error: Error): () => never {
  return () => {
    throw error;
  };
}

function isBoth(error: unknown): boolean {
  assert.ok(error instanceof AggregateError);
  assert.deepEqual(error.errors, [BODY_FAILED, END_FAILED]);
  assert.equal(error.cause, END_FAILED);
  return true;
}

test('endAfter ends after the body, and gives its result', () => {
  const order: string[] = [];
  const result = endAfter(
    () => {
      order.push('body');
      return 7;
    },
    () => order.push('end'),
  );
  assert.equal(result, 7);
  assert.deepEqual(order, ['body', 'end']);
});

test('endAfter ends once when the body throws, and throws that', () => {
  let ended = 0;
  const end = (): void => {
    ended += 1;
  };
  assert.throws(
    () => endAfter(throwing(BODY_FAILED), end),
    (error) => error === BODY_FAILED,
  );
  assert.equal(ended, 1);
});

test('endAfter throws what the end throws, once, and an AggregateError when the body threw too', () => {
  let ended = 0;
  const end = (): void => {
    ended += 1;
    throw END_FAILED;
  };
  assert.throws(
    () => endAfter(() => 7, end),
    (error) => error === END_FAILED,
  );
  assert.equal(ended, 1);
  assert.throws(() => endAfter(throwing(BODY_FAILED), end), isBoth);
  assert.equal(ended, 2);
});

test('endAfterAsync ends when the body is done, not when it returns', async () => {
  const order: string[] = [];
  const result = endAfterAsync(
    async () => {
      order.push('body begins');
      await setImmediate();
      order.push('body ends');
      return 7;
    },
    () => order.push('end'),
  );
  assert.deepEqual(order, ['body begins']);
  assert.equal(await result, 7);
  assert.deepEqual(order, ['body begins', 'body ends', 'end']);
});

test('endAfterAsync ends once when the body throws or rejects, and rejects with that', async () => {
  for (const body of [throwing(BODY_FAILED), async () => await Promise.reject(BODY_FAILED)]) {
    let ended = 0;
    const end = (): void => {
      ended += 1;
    };
    await assert.rejects(endAfterAsync(body, end), (error) => error === BODY_FAILED);
    assert.equal(ended, 1);
  }
});

test('endAfterAsync rejects with what the end throws, and an AggregateError when the body rejected too', async () => {
  await assert.rejects(
    endAfterAsync(async () => 7, throwing(END_FAILED)),
    (error) => error === END_FAILED,
  );
  await assert.rejects(
    endAfterAsync(async () => await Promise.reject(BODY_FAILED), throwing(END_FAILED)),
    isBoth,
  );
});
