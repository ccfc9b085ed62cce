import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkUtf8Text } from './utf8-text.ts';

const TEXT = { action: 'send', name: 'content.message' };

test('checkUtf8Text takes any text that UTF-8 can express, and gives it back', () => {
  for (const text of ['', '\0', '\uFEFFa', 'ä', '\u2028\u2029\r\n', '\uFFFD', '😀', '\u{10FFFF}'])
    assert.equal(checkUtf8Text(text, TEXT), text);
});

test('checkUtf8Text refuses half of a surrogate pair, and says which and where', () => {
  for (const [text, says] of [
    ['\uD800', /^Cannot send: 'content\.message' must have no lone surrogate.* received U\+D800 at index 0:/u],
    ['ab\uDFFF', /U\+DFFF at index 2:/u],
    ['😀\uD83D', /U\+D83D at index 2:/u],
    ['\uDE00\uD83D', /U\+DE00 at index 0:/u],
  ] as const) {
    assert.throws(() => checkUtf8Text(text, TEXT), { name: 'TypeError', message: says });
  }
});
