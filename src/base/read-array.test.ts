import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { checkInteger } from './check.ts';
import { readArray } from './read-array.ts';

const ORDERS = { action: 'open the heap', name: 'orders' };

function readNumbers(value: unknown): number[] {
  return readArray(value, ORDERS, (element, index) =>
    checkInteger(element, { action: 'open the heap', name: `orders[${index}]`, min: 0, max: 9 }),
  );
}

test('readArray gives a plain array of the elements read', () => {
  const given = [3, 1, 0];
  const read = readNumbers(given);
  assert.deepEqual(read, [3, 1, 0]);
  assert.notEqual(read, given);
  assert.deepEqual(readNumbers([]), []);
});

test('readArray reads the length and each element once, through no method of the array', () => {
  const reads: PropertyKey[] = [];
  const proxy = new Proxy([5, 6], {
    get: (target, key, receiver): unknown => {
      reads.push(key);
      return Reflect.get(target, key, receiver);
    },
  });
  assert.deepEqual(readNumbers(proxy), [5, 6]);
  assert.deepEqual(reads, ['length', '0', '1']);
});

test('readArray takes arrays of another realm', () => {
  const read = readNumbers(runInNewContext('[1, 2]'));
  assert.deepEqual(read, [1, 2]);
  assert.equal(Object.getPrototypeOf(read), Array.prototype);
});

test('readArray refuses a value that is not an array, an invalid length, and holes', () => {
  for (const value of [undefined, null, 'ab', { length: 1, 0: 1 }, new Uint8Array(1), new Set([1])])
    assert.throws(() => readNumbers(value), { name: 'TypeError', message: /'orders' must be an array, received /u });
  const lengthy = (length: unknown): unknown => new Proxy([], { get: () => length });
  for (const length of ['1', undefined, 1n]) assert.throws(() => readNumbers(lengthy(length)), { name: 'TypeError' });
  for (const length of [-1, 1.5, Number.NaN, 2 ** 53])
    assert.throws(() => readNumbers(lengthy(length)), { name: 'RangeError' });
  // oxlint-disable-next-line no-new-array, unicorn/no-new-array -- only holes
  assert.throws(() => readNumbers(new Array(2 ** 32 - 1)), { name: 'TypeError' });
});
