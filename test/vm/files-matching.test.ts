import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filesMatching } from '../support/runner/files-matching.ts';

const PATHS = [
  'src/sg/b.test.js',
  'src/sg/a.test.js',
  'src/sg/a.test.js.map',
  'src/sg/deep/c.test.js',
  'test/x/aXtest.js',
];

test('filesMatching() gives what the patterns match, sorted within each, and each path once', () => {
  assert.deepEqual(filesMatching(PATHS, ['src/sg/b.test.js', 'src/sg/*.test.js']), [
    'src/sg/b.test.js',
    'src/sg/a.test.js',
  ]);
  assert.deepEqual(filesMatching(PATHS, ['src/*/*/c.test.js']), ['src/sg/deep/c.test.js']);
});

test('filesMatching() leaves out what a pattern behind "!" matches, wherever that stands', () => {
  assert.deepEqual(filesMatching(PATHS, ['!src/sg/a*.test.js', 'src/sg/*.test.js', 'src/sg/a.test.js']), [
    'src/sg/b.test.js',
  ]);
});

test('filesMatching() throws for a pattern that matches nothing', () => {
  assert.throws(() => filesMatching(PATHS, ['src/sg/*.test.js', '!src/sg/c.test.js']), {
    message: /src\/sg\/c\.test\.js/u,
  });
  assert.throws(() => filesMatching(PATHS, ['src/sg/*.test.js', 'test/x/*.test.js']), {
    message: /test\/x\/\*\.test\.js/u,
  });
});
