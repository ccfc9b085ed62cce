import assert from 'node:assert/strict';
import { test } from 'node:test';

import { quoteForeign } from './foreign-text.ts';

test('quoteForeign leaves readable text as it is, in quotes', () => {
  assert.equal(quoteForeign('/tmp/camera 0/größe'), '"/tmp/camera 0/größe"');
  assert.equal(quoteForeign(''), '""');
});

test('quoteForeign escapes line breaks, terminal commands, direction marks and quotes', () => {
  assert.equal(quoteForeign('a\nb\u001b[2J\u0085\u2028'), String.raw`"a\u{a}b\u{1b}[2J\u{85}\u{2028}"`);
  assert.equal(quoteForeign('\u202eexe\ud800'), String.raw`"\u{202e}exe\u{d800}"`);
  assert.equal(quoteForeign('say "no" \\'), String.raw`"say \"no\" \\"`);
});

test('quoteForeign shortens long text', () => {
  assert.equal(quoteForeign('x'.repeat(5000)), `"${'x'.repeat(100)}…"`);
});
