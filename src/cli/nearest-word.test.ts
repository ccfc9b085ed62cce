import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nearestWord, suggest } from './nearest-word.ts';

const COMMANDS = ['vmap', 'heaps', 'ls', 'layout', 'doctor', 'help', 'completion'];

test('nearestWord finds the word with a missing, extra, wrong or swapped letter', () => {
  for (const [word, meant] of [
    ['vmpa', 'vmap'],
    ['vamp', 'vmap'],
    ['heapss', 'heaps'],
    ['doktor', 'doctor'],
    ['compltion', 'completion'],
    ['LAYOUT', 'layout'],
    ['sl', 'ls'],
  ] as const)
    assert.equal(nearestWord(word, COMMANDS), meant, word);
});

test('nearestWord takes the only word with that beginning, and guesses no other', () => {
  assert.equal(nearestWord('lay', COMMANDS), 'layout');
  assert.equal(nearestWord('comp', COMMANDS), 'completion');
  for (const word of ['', 'he', 'x', 'xyzzy', 'vvvv', 'laptop'])
    assert.equal(nearestWord(word, COMMANDS), undefined, word);
});

test('nearestWord prefers the same beginning among equally close words', () => {
  assert.equal(nearestWord('fsh', ['bash', 'zsh', 'fish']), 'fish');
});

test('suggest gives the likely word, or only where to look', () => {
  assert.equal(suggest('vmpa', COMMANDS, 'dmabuf --help'), ': did you mean vmap? See "dmabuf --help"');
  assert.equal(suggest('xyzzy', COMMANDS, 'dmabuf --help'), ': see "dmabuf --help"');
});
