import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CleanupStack, runAllSteps, withCleanup } from './cleanup.ts';

/** Steps that write their names down; those named in `failing` throw afterwards. */
function recordedSteps(names: readonly string[], failing: readonly string[] = []) {
  const ran: string[] = [];
  const steps = names.map((name) => () => {
    ran.push(name);
    if (failing.includes(name)) throw new Error(`${name} failed`);
  });
  return { ran, steps };
}

function messagesOf(error: unknown): string[] {
  assert.ok(error instanceof AggregateError);
  return error.errors.map((one: Error) => one.message);
}

test('runAllSteps runs every step in order', () => {
  const { ran, steps } = recordedSteps(['a', 'b', 'c']);
  runAllSteps(steps, 'unused');
  assert.deepEqual(ran, ['a', 'b', 'c']);
});

test('runAllSteps runs the steps after one that threw, and throws what it threw', () => {
  const { ran, steps } = recordedSteps(['a', 'b', 'c'], ['b']);
  assert.throws(() => runAllSteps(steps, 'unused'), { name: 'Error', message: 'b failed' });
  assert.deepEqual(ran, ['a', 'b', 'c']);
});

test('runAllSteps throws what several steps threw as one AggregateError', () => {
  const { ran, steps } = recordedSteps(['a', 'b', 'c'], ['a', 'c']);
  assert.throws(
    () => runAllSteps(steps, 'Two steps failed'),
    (error: Error) => {
      assert.equal(error.message, 'Two steps failed');
      assert.deepEqual(messagesOf(error), ['a failed', 'c failed']);
      return true;
    },
  );
  assert.deepEqual(ran, ['a', 'b', 'c']);
});

test('runAllSteps throws on a value that is not an Error, undefined included', () => {
  assert.throws(
    () =>
      runAllSteps(
        [
          () => {
            // eslint-disable-next-line typescript/only-throw-error -- callers' callbacks may
            throw undefined;
          },
        ],
        'unused',
      ),
    (thrown) => thrown === undefined,
  );
});

test('CleanupStack.unwind runs the steps in reverse order, once', () => {
  const { ran, steps } = recordedSteps(['a', 'b', 'c']);
  const stack = new CleanupStack();
  for (const step of steps) stack.defer(step);
  stack.unwind();
  stack.unwind();
  assert.deepEqual(ran, ['c', 'b', 'a']);
});

test('CleanupStack.disarm forgets every step', () => {
  const { ran, steps } = recordedSteps(['a', 'b']);
  const stack = new CleanupStack();
  for (const step of steps) stack.defer(step);
  stack.disarm();
  stack.unwind();
  assert.deepEqual(ran, []);
});

test('withCleanup gives the result, and undoes nothing, when the body succeeds', () => {
  const { ran, steps } = recordedSteps(['a']);
  const result = withCleanup((cleanup) => {
    for (const step of steps) cleanup.defer(step);
    return 7;
  });
  assert.equal(result, 7);
  assert.deepEqual(ran, []);
});

test('withCleanup leaves a stack that undoes nothing when the body succeeds', () => {
  const { ran, steps } = recordedSteps(['a']);
  const stack = withCleanup((cleanup) => {
    for (const step of steps) cleanup.defer(step);
    return cleanup;
  });
  stack.unwind();
  assert.deepEqual(ran, []);
});

test('withCleanup undoes in reverse order what was done before the body threw, and throws that error itself', () => {
  const { ran, steps } = recordedSteps(['a', 'b']);
  const failure = new Error('the body failed');
  assert.throws(
    () =>
      withCleanup((cleanup) => {
        for (const step of steps) cleanup.defer(step);
        throw failure;
      }),
    (error) => error === failure,
  );
  assert.deepEqual(ran, ['b', 'a']);
});

test('withCleanup throws an AggregateError when body and cleanup both fail, and still runs every step', () => {
  const { ran, steps } = recordedSteps(['a', 'b'], ['b']);
  assert.throws(
    () =>
      withCleanup((cleanup) => {
        for (const step of steps) cleanup.defer(step);
        throw new Error('the body failed');
      }),
    (error: Error) => {
      assert.deepEqual(messagesOf(error), ['the body failed', 'b failed']);
      assert.equal((error.cause as Error).message, 'b failed');
      return true;
    },
  );
  assert.deepEqual(ran, ['b', 'a']);
});
