import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SgTable } from '../../sg/sg-table.ts';
import { formatFacts, formatKnownLayout } from './report.ts';

const PLAIN = { bold: (text: string) => text, dim: (text: string) => text, columns: 80 };

function tableOf(...chunks: readonly [pfn: number, pageCount: number][]): SgTable {
  return SgTable.fromEntries(chunks.map(([pfn, pageCount]) => ({ pfn, offset: 0, length: pageCount * 4096 })));
}

function format(table: SgTable, all = false): string[] {
  return formatKnownLayout({ known: true, table, source: 'a test' }, { memory: 'physical memory', all }, PLAIN);
}

test('formatKnownLayout() shows entries where there are more of them than runs', () => {
  const lines = format(tableOf([256, 16], [272, 1], [300, 1]));
  assert.deepEqual(lines.slice(0, 3), [
    '  pages     18 pages of 4 KiB: 3 entries in 2 runs, the largest of 68 KiB, of 36',
    '            KiB on average',
    '  source    a test',
  ]);
  assert.deepEqual(lines.slice(lines.indexOf('Entries by order')), [
    'Entries by order',
    '  order 4 (64 KiB)  1  ██████████                      89 % of the bytes',
    '  order 0 (4 KiB)   2  ████████████████████            11 % of the bytes',
    '',
    'Its runs, by the page of the buffer',
    '  PAGE  PFN   ADDRESS  PAGES    SIZE',
    '     0  256  0x100000     17  68 KiB',
    '    17  300  0x12c000      1   4 KiB',
  ]);
});

test('formatKnownLayout() shows the orders of runs where entries are unknown', () => {
  const lines = format(tableOf([256, 3], [300, 1]));
  assert.deepEqual(lines.slice(lines.indexOf('Runs by order, rounded down')).slice(1, 3), [
    '  order 1 (8 KiB)  1  ███████████████                 75 % of the bytes',
    '  order 0 (4 KiB)  1  ███████████████                 25 % of the bytes',
  ]);
});

test('formatKnownLayout() shows the first runs, or all of them', () => {
  const table = tableOf(...Array.from({ length: 40 }, (_, index): [number, number] => [2 * index, 1]));
  assert.deepEqual(format(table).slice(-2), ['    11   22  0x16000      1  4 KiB', '  and 28 more: --all shows them']);
  assert.equal(format(table, true).at(-1), '    39   78  0x4e000      1  4 KiB');
});

test('formatKnownLayout() stays within 80 columns at the end of physical memory', () => {
  const lines = format(tableOf([2 ** 40 - 512, 512], [5, 1]));
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});

test('formatFacts() escapes names that would control the terminal', () => {
  const buffer = { inode: 7, exporter: 'system', name: 'a\u001B[2J', length: 8192 };
  assert.deepEqual(formatFacts({ buffer, origin: undefined }, PLAIN), [
    'A buffer of 8 KiB',
    '  inode     7',
    '  exporter  system',
    String.raw`  name      a\u001b[2J`,
  ]);
});
