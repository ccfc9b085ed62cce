import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { parseIteratorText } from './iterator-text.ts';

const unknown = { references: undefined, devices: undefined };

test('parseIteratorText reads four lines per buffer, with or without a name', () => {
  const text = '7\n81920\nsysheap_test_buffer_for_iter\nsystem\n6\n40960\n\nudmabuf\n';
  assert.deepEqual(parseIteratorText(text), [
    { inode: 7, size: 81_920, name: 'sysheap_test_buffer_for_iter', exporter: 'system', ...unknown },
    { inode: 6, size: 40_960, name: undefined, exporter: 'udmabuf', ...unknown },
  ]);
  assert.deepEqual(parseIteratorText(''), []);
});

test('parseIteratorText refuses any other text', () => {
  for (const text of ['\n', '1\n2\nname\n', '1\n2\nname\nsystem', 'x\n2\nname\nsystem\n', '1\n2 kB\nname\nsystem\n'])
    assert.equal(parseIteratorText(text), undefined, JSON.stringify(text));
});

test('parseIteratorText reads back every text that the iterator may print', () => {
  const name = fc.string({ unit: fc.constantFrom('1', 'a', ' ', '\t', '\r', '\u2028', ':') });
  const buffer = fc.tuple(fc.nat(), fc.nat(2 ** 40), name, fc.constantFrom('system', 'udmabuf'));
  fc.assert(
    fc.property(fc.array(buffer), (buffers) => {
      const text = buffers.map((fields) => fields.map((field) => `${field}\n`).join('')).join('');
      assert.deepEqual(
        parseIteratorText(text)?.map((one) => [one.inode, one.size, one.name ?? '', one.exporter]),
        buffers,
      );
    }),
  );
});
