import assert from 'node:assert/strict';
import { test } from 'node:test';

import { writeJsonLine } from './json-line.ts';

function written(value: object): string[] {
  const parts: string[] = [];
  writeJsonLine(value, (text) => void parts.push(text));
  return parts;
}

test('writeJsonLine writes one line without control characters, with the same value', () => {
  const hostile = '\u001B]0;x\u0007\u009B1m\u202E\u2028\n';
  for (const value of [
    {},
    { name: hostile, size: 5 },
    { [hostile]: [hostile], empty: [], nested: [{ list: [1, [hostile]] }, null, 'b'], none: null, object: { a: [] } },
  ]) {
    const line = written(value).join('');
    assert.match(line, /^[ -~]+\n$/u);
    assert.deepEqual(JSON.parse(line), value);
  }
  assert.equal(written({ a: undefined, b: 1 }).join(''), '{"b":1}\n');
});

test('writeJsonLine writes long lists in parts', () => {
  const value = { list: Array.from({ length: 100_000 }, (_, index) => ({ index })) };
  const parts = written(value);
  assert.deepEqual(JSON.parse(parts.join('')), value);
  assert.ok(parts.length > 10);
  for (const part of parts) assert.ok(part.length < 100_000);
});
