/** docs/guide/untrusted-peers.md promises nothing without a test. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import { readSourceFiles, repositoryRoot } from './support/runner/source-files.ts';

/** `file.test.ts`: name of a test; name of another, each up to an ellipsis or its end. */
const CITATION = /`(?<file>[\w-]+\.(?:test|fuzz)\.ts)`(?:: (?<names>[^|`\n)]+))?/gu;

test('each test that the guide to untrusted peers names exists', () => {
  const guide = readFileSync(join(repositoryRoot, 'docs/guide/untrusted-peers.md'), 'utf8');
  const files = readSourceFiles(['src', 'test']);
  const cited = [...guide.matchAll(CITATION)].map(({ groups }) => groups ?? {});
  assert.ok(cited.length > 15, `only ${cited.length} tests are named`);
  for (const { file = '', names = '' } of cited) {
    const found = files.filter(({ path }) => basename(path) === file);
    assert.equal(found.length, 1, `${file} is not one file`);
    for (const name of names.split(';')) {
      const [start = ''] = name.trim().split('…');
      assert.ok(found[0]?.text.includes(start.trim()), `${file} has no test "${start}"`);
    }
  }
});
