import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WordIndexBuilder } from './word-index.ts';
import type { WordIndex } from './word-index.ts';

function indexOf(...texts: readonly string[]): WordIndex {
  const builder = new WordIndexBuilder();
  const bytes = Buffer.alloc(1 << 20);
  for (const text of texts) builder.add(bytes, bytes.write(text));
  return builder.finish();
}

test('WordIndex.filesWith() gives the files with a word, in order', () => {
  const index = indexOf('int alpha;', '', 'alpha + beta', 'alphabet', 'x(alpha)alpha');
  assert.deepEqual(index.filesWith('alpha'), [0, 2, 4]);
  assert.deepEqual(index.filesWith('beta'), [2]);
  assert.deepEqual(index.filesWith('gamma'), []);
});

test('WordIndex.filesWith() leaves comments, strings and characters out', () => {
  const text = `a /* b */ c // d\n"e \\" f" g '"' h "i\nj 'k' it's l 0x1m /`;
  const index = indexOf(text);
  const found = 'abcdefghijkl'.split('').filter((word) => index.filesWith(word).length > 0);
  assert.deepEqual(found, ['a', 'c', 'g', 'h', 'j', 'l']);
  assert.deepEqual(index.filesWith('x1m'), []);
});

test('WordIndex.filesDefiningStruct() and filesDefiningMacro() tell definitions from mentions', () => {
  const index = indexOf('struct a { struct b *c; }; union d\n{ };', '#define e(x) f\n# define a', 'struct a *g;');
  assert.deepEqual(
    ['a', 'b', 'd'].map((word) => index.filesDefiningStruct(word)),
    [[0], [], [0]],
  );
  assert.deepEqual(
    ['a', 'e', 'f'].map((word) => index.filesDefiningMacro(word)),
    [[1], [1], []],
  );
});

test('WordIndex.filesWith() misses no word of a large file, and reads no large table of numbers', () => {
  const words = Array.from({ length: 60_000 }, (_, index) => `word_${index}`);
  const table = `/* (c) */\n${'#define NUMBER 0x1\n'.repeat(5000)}`;
  const index = indexOf(`${words.join('\n')};()`, table, `${table}call(NUMBER)`);
  assert.ok(words.every((word) => index.filesWith(word).includes(0)));
  assert.deepEqual(index.filesWith('NUMBER'), [2]);
});
