import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  checkBoolean,
  checkInteger,
  checkName,
  checkOneOf,
  checkString,
  readOptions,
  readWaitOptions,
} from './check.ts';

const LENGTH = { action: 'allocate the buffer', name: 'length', min: 1, max: 8 };
const MODE = { action: 'access the buffer', name: 'mode', allowed: ['read', 'write'] } as const;
const SHARED = { action: 'make a wasm space', name: 'shared' };

test('checkInteger gives whole numbers within the range, ends included', () => {
  for (const value of [1, 5, 8]) assert.equal(checkInteger(value, LENGTH), value);
  const { MAX_SAFE_INTEGER } = Number;
  assert.equal(checkInteger(MAX_SAFE_INTEGER, { ...LENGTH, max: MAX_SAFE_INTEGER }), MAX_SAFE_INTEGER);
});

test('checkInteger throws a TypeError for a value that is not a number', () => {
  for (const value of ['5', 5n, null, undefined, true, [5], { valueOf: () => 5 }]) {
    assert.throws(() => checkInteger(value, LENGTH), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => checkInteger('5', LENGTH), {
    message: "Cannot allocate the buffer: 'length' must be a whole number from 1 to 8, received '5'",
  });
});

test('checkInteger throws a RangeError for numbers that are not whole, not exact or outside the range', () => {
  for (const value of [0, 9, 1.5, -1, Number.NaN, Infinity, -Infinity]) {
    assert.throws(() => checkInteger(value, LENGTH), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  }
  assert.throws(() => checkInteger(2 ** 53, { ...LENGTH, max: Infinity }), { name: 'RangeError' });
  assert.throws(() => checkInteger(9, { ...LENGTH, unit: 'bytes' }), {
    message: "Cannot allocate the buffer: 'length' must be a whole number of bytes from 1 to 8, received 9",
  });
});

test('checkOneOf gives a value that is allowed', () => {
  assert.equal(checkOneOf('write', MODE), 'write');
  assert.equal(checkOneOf(8, { ...MODE, allowed: [4, 8] }), 8);
  assert.equal(checkOneOf(false, { ...MODE, allowed: [true, false, 'read-only'] }), false);
});

test('checkOneOf throws a TypeError that lists what is allowed', () => {
  for (const value of ['WRITE', 'writ', '']) {
    assert.throws(() => checkOneOf(value, MODE), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  }
  for (const value of [4, null, undefined, ['read'], Number.NaN]) {
    assert.throws(() => checkOneOf(value, MODE), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => checkOneOf('rw', MODE), {
    message: "Cannot access the buffer: 'mode' must be one of 'read', 'write', received 'rw'",
  });
});

test('checkBoolean gives true and false, and throws a TypeError for a value that only looks like one', () => {
  assert.equal(checkBoolean(true, SHARED), true);
  assert.equal(checkBoolean(false, SHARED), false);
  for (const value of ['true', 'false', '', 0, 1, null, undefined, {}]) {
    assert.throws(() => checkBoolean(value, SHARED), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => checkBoolean('yes', SHARED), {
    message: "Cannot make a wasm space: 'shared' must be true or false, received 'yes'",
  });
});

test('checkString gives texts, empty ones too, and throws a TypeError for anything else', () => {
  assert.equal(checkString('', SHARED), '');
  for (const value of [undefined, null, 7, ['a'], Symbol('a'), { toString: () => 'a' }, new String('a')]) {
    assert.throws(() => checkString(value, SHARED), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('readOptions takes objects whose every key is allowed', () => {
  assert.deepEqual(readOptions({}, 'open the heap', []), {});
  assert.deepEqual(readOptions({ capacity: 1, cached: undefined }, 'open the heap', ['capacity', 'cached']), {
    capacity: 1,
  });
});

test('readOptions throws a TypeError for a value that is not an object', () => {
  for (const value of [null, 4096, 'capacity', () => {}]) {
    assert.throws(() => readOptions(value as object, 'open the heap', []), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^Cannot open the heap: 'options' must be an object, received /u,
    });
  }
});

test('readOptions reads each option once, into plain values, inherited ones too', () => {
  let reads = 0;
  class Options {
    get capacity(): number {
      reads += 1;
      return 4096 + reads;
    }
  }
  const plain = readOptions<{ capacity?: number; cached?: number }>(new Options(), 'open', ['capacity', 'cached']);
  assert.deepEqual(plain, { capacity: 4097 });
  assert.equal(plain.capacity, 4097);
  assert.equal(reads, 1);
});

test('readOptions refuses a misspelt option, and lists the options that exist', () => {
  const options = { capacity: 1, capcity: 2 } as { capacity?: number; cached?: number };
  assert.throws(() => readOptions(options, 'open the heap', ['capacity', 'cached']), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: "Cannot open the heap: 'capcity' is not one of the options capacity, cached",
  });
});

test('readOptions names the options of a nested object after it', () => {
  const nested = { cached: 1, chaced: 2 } as { cached?: number };
  assert.throws(() => readOptions(nested, 'open the heap', ['cached'], 'embedded'), {
    message: "Cannot open the heap: 'embedded.chaced' is not one of the options cached",
  });
  assert.throws(() => readOptions(null as unknown as object, 'open the heap', [], 'embedded'), {
    message: "Cannot open the heap: 'embedded' must be an object, received null",
  });
});

test('readWaitOptions refuses an invalid signal', () => {
  assert.throws(() => readWaitOptions({ signal: { aborted: false } as AbortSignal }, 'wait for the fence'), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE',
    message: "Cannot wait for the fence: 'signal' must be an AbortSignal, received { aborted: false }",
  });
});

test('checkName gives what a file can be called, and refuses what Node or the kernel would cut or replace', () => {
  const path = { action: 'read a trace', name: 'path' };
  for (const name of ['a', '/tmp/two words', '..', 'ümlaut \u{1F600}', 'line\nbreak'])
    assert.equal(checkName(name, path), name);
  for (const name of ['', '\0', '\0name', 'a\0b', 'end\0', '\uD800', 'a\uDC00b'])
    assert.throws(() => checkName(name, path), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  for (const name of [5, undefined, null, Buffer.from('a'), new URL('file:///a')])
    assert.throws(() => checkName(name, path), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => checkName('a\0b', path), {
    message: "Cannot read a trace: 'path' must not be empty, nor have NUL in it, received 'a\\x00b'",
  });
});
