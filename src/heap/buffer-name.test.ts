import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkBufferName } from './buffer-name.ts';

test('checkBufferName takes up to 31 bytes of UTF-8, and the empty name', () => {
  for (const name of ['', 'camera0', 'x'.repeat(31), 'é'.repeat(15), '📷'.repeat(7)]) {
    assert.equal(checkBufferName(name), name);
  }
});

test('checkBufferName refuses with a RangeError a name of more bytes, even with few characters', () => {
  for (const name of ['x'.repeat(32), 'é'.repeat(16), '📷'.repeat(8)]) {
    assert.throws(() => checkBufferName(name), { name: 'RangeError' });
  }
  assert.throws(() => checkBufferName('é'.repeat(16)), {
    message: `Cannot name the buffer: 'name' must be at most 31 bytes without NUL, received '${'é'.repeat(16)}' of 32 bytes`,
  });
});

test('checkBufferName refuses with a RangeError a name that C would truncate', () => {
  for (const name of ['\0', 'camera\0', 'cam\0era']) {
    assert.throws(() => checkBufferName(name), { name: 'RangeError' });
  }
});

test('checkBufferName refuses with a TypeError a value that is not a string', () => {
  for (const name of [undefined, null, 7, ['camera'], Symbol('camera'), { toString: () => 'camera' }]) {
    assert.throws(() => checkBufferName(name), { name: 'TypeError' });
  }
});
