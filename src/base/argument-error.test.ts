import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { contradiction, outOfRange, unknownOption, wrongType, wrongValue } from './argument-error.ts';

const ARGUMENT = { action: 'open the heap', name: 'embedded.cached' };

test('an argument error says what cannot be done, which argument, what it must be and what was received', () => {
  const error = outOfRange(ARGUMENT, { must: 'be at most 8 bytes', received: 9, remedy: 'use less' });
  assert.ok(error instanceof RangeError);
  assert.equal(error.message, "Cannot open the heap: 'embedded.cached' must be at most 8 bytes, received 9: use less");
  const shown = outOfRange(ARGUMENT, { must: 'be at most 8 MiB', received: 2 ** 24, shown: '16 MiB' });
  assert.equal(shown.message, "Cannot open the heap: 'embedded.cached' must be at most 8 MiB, received 16 MiB");
});

test("an argument error has Node's code", () => {
  const complaint = { must: 'be different', received: 1 };
  assert.equal(Reflect.get(wrongType(ARGUMENT, complaint), 'code'), 'ERR_INVALID_ARG_TYPE');
  assert.equal(Reflect.get(wrongValue(ARGUMENT, complaint), 'code'), 'ERR_INVALID_ARG_VALUE');
  assert.equal(Reflect.get(outOfRange(ARGUMENT, complaint), 'code'), 'ERR_OUT_OF_RANGE');
  assert.equal(Reflect.get(unknownOption(ARGUMENT, []), 'code'), 'ERR_INVALID_ARG_VALUE');
  assert.equal(Reflect.get(contradiction(ARGUMENT, 'other', 'differ'), 'code'), 'ERR_INCOMPATIBLE_OPTION_PAIR');
  assert.match(inspect(wrongType(ARGUMENT, complaint)), /^TypeError.*: Cannot open the heap/u);
});

test('an argument error stays in one line, however large the value is', () => {
  const values: unknown[] = [
    new Uint8Array(2 ** 16),
    'x'.repeat(2 ** 16),
    { a: { b: { c: 1 } }, text: 'line\nline' },
    Array.from({ length: 1000 }, (_, index) => ({ index })),
  ];
  for (const received of values) {
    const { message } = wrongType(ARGUMENT, { must: 'be a number', received });
    assert.ok(!message.includes('\n'), message);
    assert.ok(message.length < 1000, message);
  }
});
