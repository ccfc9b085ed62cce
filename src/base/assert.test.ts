import { strict as nodeAssert } from 'node:assert';
import { test } from 'node:test';

import { assert } from './assert.ts';

test('assert throws an InvariantError with the message unless the condition holds', () => {
  for (const condition of [true, 1, 'text', {}]) assert(condition, 'unused');
  for (const condition of [false, 0, '', null, undefined, Number.NaN]) {
    nodeAssert.throws(() => assert(condition, 'It must hold'), { name: 'InvariantError', message: 'It must hold' });
  }
});

test('assert builds a message only when it fails', () => {
  assert(true, () => nodeAssert.fail('built without need'));
  nodeAssert.throws(() => assert(false, () => `It is ${1 + 1}`), { message: 'It is 2' });
});
