import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { byteLengthOfShared, placeOf } from './typed-array.ts';

test('placeOf tells where a typed array lies, regardless of its class', () => {
  class Liar extends Uint32Array {
    override get length(): number {
      return 1000;
    }
    override get byteOffset(): number {
      throw new Error('asked');
    }
  }
  const buffer = new ArrayBuffer(64);
  assert.deepEqual(placeOf(new Liar(buffer, 8, 3)), { buffer, byteOffset: 8, length: 3 });
  const shadowed = Object.defineProperty(new BigUint64Array(buffer, 16), 'length', { value: 1000 });
  assert.deepEqual(placeOf(shadowed), { buffer, byteOffset: 16, length: 6 });
});

test('placeOf takes typed arrays of another realm', () => {
  const array = runInNewContext('new Uint8Array(new SharedArrayBuffer(8), 2, 4)') as Uint8Array;
  assert.equal(placeOf(array).length, 4);
  assert.equal(placeOf(array).byteOffset, 2);
});

test('placeOf gives a detached array no length, and one that follows its buffer the length of now', () => {
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  assert.equal(placeOf(detached).length, 0);
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  const tracking = new Uint32Array(buffer);
  buffer.resize(16);
  assert.equal(placeOf(tracking).length, 4);
});

test('byteLengthOfShared tells the length of shared memory, of any realm, regardless of properties put on it', () => {
  const shared = Object.defineProperty(new SharedArrayBuffer(8), 'byteLength', { value: 1000 });
  assert.equal(byteLengthOfShared(shared), 8);
  assert.equal(byteLengthOfShared(runInNewContext('new SharedArrayBuffer(16)') as SharedArrayBuffer), 16);
});

test('placeOf refuses a value that is not a typed array', () => {
  assert.throws(() => placeOf(new Proxy(new Uint8Array(1), {})), { name: 'TypeError' });
  assert.throws(() => placeOf({ buffer: new ArrayBuffer(1), byteOffset: 0, length: 1 } as unknown as Uint8Array), {
    name: 'TypeError',
  });
});
