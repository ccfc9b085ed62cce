/**
 * Sources that were damaged at random: nothing throws, nothing hangs, and what was cut up is all
 * there. Calls of one function by another are planted into what is left whole, and must be found.
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { repositoryRoot } from '../../../test/support/runner/source-files.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { findSourceCallers } from './find-source-callers.ts';
import { splitItems } from './split-items.ts';
import { WordIndexBuilder } from './word-index.ts';

const FIXTURE = join(repositoryRoot, 'test/fixtures/kernel-source');
const SOURCES = readdirSync(FIXTURE, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[ch]$/u.test(path))
  .toSorted()
  .map((path) => readFileSync(join(FIXTURE, path), 'latin1'));
const PIECES = [
  '{',
  '}',
  '(',
  ')',
  ';',
  '"',
  "'",
  '/*',
  '*/',
  '//',
  '\\\n',
  '\n#if 0\n',
  '\n#else\n',
  '\n#endif\n',
  '\n#define ',
];
const SEED = 0x5eed;

/** A text with pieces put in, and stretches taken out, moved and doubled. */
function damage(text: string, random: SeededRandom): string {
  let damaged = text;
  for (let count = random.below(12); count >= 0; count--) {
    const at = random.below(damaged.length + 1);
    const end = at + random.below(60);
    const piece = PIECES[random.below(PIECES.length)] ?? '';
    const put = [piece, '', damaged.slice(at, end) + damaged.slice(at, end), String.fromCharCode(random.below(256))];
    damaged =
      damaged.slice(0, at) + (put[random.below(put.length)] ?? '') + damaged.slice(random.below(2) === 0 ? at : end);
  }
  return damaged;
}

function damagedSource(random: SeededRandom): string {
  return damage(SOURCES[random.below(SOURCES.length)] ?? '', random);
}

test('splitItems() keeps every line of a damaged source, and its items in order', () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 3000; round++) {
    const text = damagedSource(random);
    const { code, items, macros } = splitItems(text);
    assert.equal(code.length, text.length);
    assert.equal(code.replaceAll(/[^\n]/gu, ''), text.replaceAll(/[^\n]/gu, ''));
    for (const spans of [items, macros]) {
      let last = 0;
      for (const { start, end, bodyStart } of spans) {
        assert.ok(last <= start && start < end && end <= text.length, `${round}`);
        assert.ok(bodyStart === undefined || (start <= bodyStart && bodyStart <= end), `${round}`);
        last = end;
      }
    }
  }
});

test('WordIndex misses no word that splitItems() leaves in a damaged source', () => {
  const random = new SeededRandom(SEED);
  const bytes = Buffer.alloc(1 << 16);
  for (let round = 0; round < 1000; round++) {
    const text = damagedSource(random);
    const builder = new WordIndexBuilder();
    builder.add(bytes, bytes.write(text, 'latin1'));
    const index = builder.finish();
    const words = splitItems(text).code.match(/(?<![\w$])[A-Za-z_$][\w$]*/gu) ?? [];
    const missed = words.filter((word) => !index.filesWith(word).includes(0));
    assert.deepEqual(missed, [], `round ${round}`);
  }
});

test('findSourceCallers() ends on damaged trees, and finds what is whole in them', async (t) => {
  const random = new SeededRandom(SEED);
  const root = temporaryFolder(t);
  for (let round = 0; round < 60; round++) {
    for (let file = 0; file < 4; file++) writeFileSync(join(root, `${file}.c`), damagedSource(random), 'latin1');
    writeFileSync(join(root, 'whole.c'), 'int whole(void)\n{\n\treturn dma_buf_vmap(a, b);\n}\n');
    const { calls } = await findSourceCallers(root);
    assert.ok(
      calls.some(
        ({ callee, caller, file, line }) =>
          callee === 'dma_buf_vmap' && caller === 'whole' && file === 'whole.c' && line === 3,
      ),
      `round ${round}`,
    );
  }
});
