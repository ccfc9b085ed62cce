import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toAscii, toAsciiJson } from './ascii-text.ts';

test('toAscii draws pictures with similar characters, of the same width', () => {
  assert.equal(toAscii('·░▒▓█'), '.-+%#');
  assert.equal(toAscii('█▉▌▍▏|'), '#:...|');
  // Dots above, below, both, none; the last row of dots counts as below.
  assert.equal(toAscii('⠁⠂⠄⡀⠉⢀⠿⠀'), "''..'.: ");
});

test('toAscii writes out arrows and ellipses, and escapes other characters', () => {
  assert.equal(toAscii('0 → 5, … ≥ 3 µs'), '0 -> 5, ... >= 3 us');
  assert.equal(toAscii('é😀\u001B'), '\\u00e9\\ud83d\\ude00\u001B');
});

test('toAsciiJson keeps the value', () => {
  const value = { 'naïve →': '缓冲 😀 \u2028' };
  const text = toAsciiJson(JSON.stringify(value));
  assert.match(text, /^[ -~]+$/u);
  assert.deepEqual(JSON.parse(text), value);
});
