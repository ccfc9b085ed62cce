import assert from 'node:assert/strict';
import test from 'node:test';

import { formatLabelled, formatTable, wrapText } from './table.ts';

test('formatTable aligns cells with their headings, and leaves no blanks at the end of a line', () => {
  const lines = formatTable(
    [
      { heading: 'heap', align: 'left' },
      { heading: 'pages', align: 'right' },
      { heading: 'note', align: 'left' },
    ],
    [
      ['system', '524,288', 'scattered'],
      ['x', '1', undefined],
    ],
  );
  assert.deepEqual(lines, [
    'heap      pages  note', // prettier-ignore
    'system  524,288  scattered',
    'x             1',
  ]);
});

test('wrapText breaks between words and keeps a word that is too long whole', () => {
  assert.deepEqual(wrapText('there is no /dev/dma_heap here', 12), ['there is no', '/dev/dma_heap', 'here']);
});

test('wrapText fills a line to its last column', () => {
  assert.deepEqual(wrapText('abc def ghi', 7), ['abc def', 'ghi']);
});

test('formatLabelled puts further lines under the first', () => {
  assert.deepEqual(formatLabelled('heap  ', 'one two three', 13), ['heap  one two', '      three']);
});
