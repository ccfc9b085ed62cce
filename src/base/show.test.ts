import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { show } from './show.ts';

test('show gives a value as util.inspect does', () => {
  assert.equal(show('text'), "'text'");
  assert.equal(show({ inner: { deep: 1 } }, { depth: 0 }), '{ inner: [Object] }');
});

test('show gives something for a value that throws when it is looked at', () => {
  const hostile = {
    [inspect.custom]: () => {
      throw new Error('looked at');
    },
  };
  for (const value of [hostile, Object.create(AbortSignal.prototype)])
    assert.equal(show(value), 'a value of type object that cannot be shown');
});
