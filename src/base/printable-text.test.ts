import assert from 'node:assert/strict';
import { test } from 'node:test';

import { escapeUnprintable, formatName } from './printable-text.ts';

test('formatName escapes characters that control a terminal or reverse the text', () => {
  assert.equal(formatName('camera 0 (deleted)'), 'camera 0 (deleted)');
  assert.equal(formatName('Büffer 缓冲'), 'Büffer 缓冲');
  assert.equal(formatName('\u001B[2J\u0007'), String.raw`\u001b[2J\u0007`);
  assert.equal(formatName('a\nb\tc\rd'), String.raw`a\nb\tc\u000dd`);
  assert.equal(formatName('\u009B31m\u007F'), String.raw`\u009b31m\u007f`);
  assert.equal(formatName('\u202Eabc\u2066\u2028'), String.raw`\u202eabc\u2066\u2028`);
});

test('formatName distinguishes a line break from a backslash and an n', () => {
  assert.equal(formatName(String.raw`a\nb`), String.raw`a\\nb`);
});

test('escapeUnprintable keeps backslashes', () => {
  assert.equal(escapeUnprintable('a\\b\u001B[2J\n'), String.raw`a\b\u001b[2J\n`);
});
