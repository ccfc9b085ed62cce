import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkBoolean, checkInteger, checkOneOf, checkOptions } from './check.ts';

const RANGE = { min: 1, max: 8 };

test('checkInteger gives whole numbers within the range, ends included', () => {
  for (const value of [1, 5, 8]) assert.equal(checkInteger(value, 'count', RANGE), value);
  const { MAX_SAFE_INTEGER } = Number;
  assert.equal(checkInteger(MAX_SAFE_INTEGER, 'count', { min: 0, max: MAX_SAFE_INTEGER }), MAX_SAFE_INTEGER);
});

test('checkInteger throws a TypeError for what is no number', () => {
  for (const value of ['5', 5n, null, undefined, true, [5], { valueOf: () => 5 }]) {
    assert.throws(() => checkInteger(value, 'count', RANGE), { name: 'TypeError' });
  }
  assert.throws(() => checkInteger('5', 'allocate a buffer of length', RANGE), {
    message: "Cannot allocate a buffer of length as it must be a number: current value is '5'",
  });
});

test('checkInteger throws a RangeError for numbers that are not whole, not exact or outside the range', () => {
  for (const value of [0, 9, 1.5, -1, Number.NaN, Infinity, -Infinity]) {
    assert.throws(() => checkInteger(value, 'count', RANGE), { name: 'RangeError' });
  }
  assert.throws(() => checkInteger(2 ** 53, 'count', { min: 0, max: Infinity }), { name: 'RangeError' });
  assert.throws(() => checkInteger(9, 'allocate a buffer of length', RANGE), {
    message: 'Cannot allocate a buffer of length as it must be a whole number from 1 to 8: current value is 9',
  });
});

test('checkOneOf gives a value that is allowed', () => {
  assert.equal(checkOneOf('write', 'access', ['read', 'write']), 'write');
  assert.equal(checkOneOf(8, 'use a width', [4, 8]), 8);
});

test('checkOneOf throws a TypeError that lists what is allowed', () => {
  for (const value of ['WRITE', 'writ', '', 4, null, undefined, ['read'], Number.NaN]) {
    assert.throws(() => checkOneOf(value, 'access', ['read', 'write']), { name: 'TypeError' });
  }
  assert.throws(() => checkOneOf('rw', 'access the buffer', ['read', 'write']), {
    message: "Cannot access the buffer as it must be one of 'read', 'write': current value is 'rw'",
  });
});

test('checkOptions takes objects whose every key is allowed', () => {
  checkOptions({}, 'open', ['capacity']);
  checkOptions({ capacity: 1, warm: undefined }, 'open', ['capacity', 'warm']);
  checkOptions(Object.create({ inherited: 1 }), 'open', ['capacity']);
});

test('checkOptions throws a TypeError for what is no object', () => {
  for (const value of [null, undefined, 4096, 'capacity', () => {}]) {
    assert.throws(() => checkOptions(value, 'open', ['capacity']), { name: 'TypeError' });
  }
});

test('checkOptions refuses a misspelt option, and lists those there are', () => {
  assert.throws(() => checkOptions({ capacity: 1, capcity: 2 }, 'open the heap', ['capacity', 'warm']), {
    name: 'TypeError',
    message: 'Cannot open the heap as it has no option "capcity": its options are capacity, warm',
  });
});

test('checkBoolean gives true and false, and throws a TypeError for what merely looks like one', () => {
  assert.equal(checkBoolean(true, 'share the buffer'), true);
  assert.equal(checkBoolean(false, 'share the buffer'), false);
  for (const value of ['true', 'false', '', 0, 1, null, undefined, {}]) {
    assert.throws(() => checkBoolean(value, 'share the buffer'), { name: 'TypeError' });
  }
  assert.throws(() => checkBoolean('yes', 'share the buffer'), {
    message: "Cannot share the buffer as it must be true or false: current value is 'yes'",
  });
});
