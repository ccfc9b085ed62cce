import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toCsv } from './csv.ts';

test('toCsv quotes what would be read as something else, and leaves numbers whole', () => {
  const lines = [
    ['Name', 'Bytes'],
    ['frame', 12_441_600],
    ['two, with "quotes"', 0],
    ['=1+2', -1],
    ['line\nbreak', null],
  ];
  const expected = ['Name,Bytes', 'frame,12441600', '"two, with ""quotes""",0', "'=1+2,-1", '"line\nbreak",', ''];
  assert.equal(toCsv(lines), expected.join('\r\n'));
});
