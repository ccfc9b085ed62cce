import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatGrowth, formatJsonLine, formatName, formatShare, formatSizeGrowth } from './ls-text.ts';

test('formatName leaves nothing in a name that drives a terminal or turns the text around', () => {
  assert.equal(formatName('camera 0 (deleted)'), 'camera 0 (deleted)');
  assert.equal(formatName('Büffer 缓冲'), 'Büffer 缓冲');
  assert.equal(formatName('\u001B[2J\u0007'), String.raw`\u001b[2J\u0007`);
  assert.equal(formatName('a\nb\tc\rd'), String.raw`a\nb\tc\u000dd`);
  assert.equal(formatName('\u009B31m\u007F'), String.raw`\u009b31m\u007f`);
  assert.equal(formatName('\u202Eabc\u2066\u2028'), String.raw`\u202eabc\u2066\u2028`);
});

test('formatName tells a line break from a backslash and an n', () => {
  assert.equal(formatName(String.raw`a\nb`), String.raw`a\\nb`);
});

test('formatJsonLine has one line without control characters, and reads as the same value', () => {
  const value = { name: '\u001B]0;x\u0007\u009B1m\u202E\u2028\n', size: 5 };
  const line = formatJsonLine(value);
  assert.match(line, /^[ -~]+$/u);
  assert.deepEqual(JSON.parse(line), value);
});

test('formatShare rounds to whole bytes', () => {
  assert.equal(formatShare(4096 / 10), '410 B');
  assert.equal(formatShare((8 * 1024 * 1024) / 3), '2.7 MiB');
});

test('formatGrowth and formatSizeGrowth have a sign, and nothing for no change', () => {
  assert.deepEqual([formatGrowth(3), formatGrowth(-1200), formatGrowth(0)], ['+3', '-1,200', '']);
  assert.deepEqual(
    [formatSizeGrowth(8_388_608), formatSizeGrowth(-4096), formatSizeGrowth(0)],
    ['+8 MiB', '-4 KiB', ''],
  );
});
