import assert from 'node:assert/strict';
import test from 'node:test';

import { formatLabelled, formatTable, wrapText } from './table.ts';

test('formatTable aligns cells with their headings, without trailing blanks', () => {
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
    80,
  );
  assert.deepEqual(lines, [
    'heap      pages  note', // prettier-ignore
    'system  524,288  scattered',
    'x             1',
  ]);
});

test('wrapText breaks between words, and keeps a word whole that is too long', () => {
  assert.deepEqual(wrapText('there is no /dev/dma_heap here', 12), ['there is no', '/dev/dma_heap', 'here']);
});

test('wrapText fills a line to its last column', () => {
  assert.deepEqual(wrapText('abc def ghi', 7), ['abc def', 'ghi']);
});

test('formatLabelled puts further lines under the first', () => {
  assert.deepEqual(formatLabelled('heap  ', 'one two three', 13), ['heap  one two', '      three']);
});

test('formatTable takes any number of rows', () => {
  const rows = Array.from({ length: 300_000 }, (_, index) => [String(index)]);
  const lines = formatTable([{ heading: 'N', align: 'right' }], rows, 80);
  assert.equal(lines.length, 300_001);
  assert.deepEqual([lines[0], lines[1], lines.at(-1)], ['     N', '     0', '299999']);
});

const PARTS = [
  { heading: '', align: 'left' },
  { heading: 'calls', align: 'right' },
  { heading: 'time', align: 'right' },
] as const;

test('formatTable splits a row into lines where a narrow terminal has no room for it', () => {
  const rows = [
    ['    page by page, and touched', '524,288', '1.29 s'],
    ['    run by run', undefined, '4.96 ms'],
  ];
  assert.deepEqual(formatTable(PARTS, rows, 40), [
    '    page by page, and touched',
    '      calls 524,288  time 1.29 s',
    '    run by run',
    '      time 4.96 ms',
  ]);
  assert.equal(formatTable(PARTS, rows, 60).length, 3);
});

test('formatTable allows a table to be wider than a usual terminal', () => {
  const rows = [['x'.repeat(90), '1', '2']];
  assert.equal(formatTable(PARTS, rows, 80).length, 2);
});

test('formatLabelled puts a text below a label that leaves it little room', () => {
  assert.deepEqual(formatLabelled("  openHeap('system') takes embedded: ", 'pages of a memfd', 40), [
    "  openHeap('system') takes embedded:",
    '    pages of a memfd',
  ]);
  assert.deepEqual(formatLabelled('  a label of some length: ', 'short', 40), ['  a label of some length: short']);
});
