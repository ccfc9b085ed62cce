/** From the test runner of a guest, which runs here as well, to the tests that are declared for it. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { GuestResults } from '../support/guest-results.ts';
import type { GuestTest } from '../support/guest-results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const RUNNER = fileURLToPath(new URL('../../vm/test-runner.js', import.meta.url));
const TIMEOUT_SECONDS = '5';

/** The results of a test file with this text. */
function resultsOf(t: TestContext, text: string): readonly GuestTest[] {
  const file = join(temporaryFolder(t), 'some.test.mjs');
  writeFileSync(file, `import { test } from 'node:test'; import assert from 'node:assert/strict';\n${text}`);
  // Without it, node:test takes this process for one that it started itself.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = spawnSync(process.execPath, [RUNNER, TIMEOUT_SECONDS, file], { encoding: 'utf8', env });
  const results = new GuestResults([file]);
  for (const line of stdout.split('\n').filter(Boolean)) results.add(line);
  return results.byFile().get(file) ?? [];
}

test('GuestResults keep what passed, was skipped, was left undone, and what failed with its error', (t) => {
  const results = resultsOf(
    t,
    `test('passes', () => {});
     test('is skipped', { skip: 'no camera' }, () => {});
     test('skips itself', (t) => t.skip());
     test('is left undone', { todo: 'later' }, () => { throw new Error('not yet'); });
     test('fails', () => assert.equal(1, 2));`,
  );
  assert.deepEqual(
    results.map(({ name, skip, todo, error }) => [name, skip, todo, error?.includes('AssertionError')]),
    [
      ['passes', undefined, undefined, undefined],
      ['is skipped', 'no camera', undefined, undefined],
      ['skips itself', '', undefined, undefined],
      ['is left undone', undefined, 'later', false],
      ['fails', undefined, undefined, true],
    ],
  );
});

test('GuestResults put subtests under their test, which does not fail for theirs', (t) => {
  const results = resultsOf(
    t,
    `test('outer', async (t) => {
       await t.test('first', () => {});
       await t.test('second', async (t) => await t.test('inner', () => assert.ok(false)));
     });
     test('next', () => {});`,
  );
  const [outer, next] = results;
  assert.deepEqual([outer?.name, outer?.error, next?.name, next?.children], ['outer', undefined, 'next', []]);
  assert.deepEqual(
    outer?.children.map(({ name, error }) => [name, error]),
    [
      ['first', undefined],
      ['second', undefined],
    ],
  );
  assert.match(outer?.children[1]?.children[0]?.error ?? '', /AssertionError/u);
});

test('GuestResults have a failure that names a file which dies of a signal', (t) => {
  const results = resultsOf(
    t,
    `test('dies', () => { console.error('last words'); process.kill(process.pid, 'SIGSEGV'); });`,
  );
  assert.match(results.at(-1)?.name ?? '', /some\.test\.mjs$/u);
  assert.equal(results.at(-1)?.error, 'its process was ended by SIGSEGV\nlast words\n');
});

test('GuestResults have a failure that names a file which hangs', (t) => {
  const results = resultsOf(t, `test('hangs', () => { for (;;); });`);
  assert.match(results.at(-1)?.name ?? '', /some\.test\.mjs$/u);
  assert.match(results.at(-1)?.error ?? '', /timed out/u);
});

test('GuestResults have a failure for each file that the guest did not finish', () => {
  const results = new GuestResults(['a.js', 'b.js', 'c.js']);
  results.add('{"type":"begin","file":"a.js"}');
  results.add('{"type":"end","file":"a.js"}');
  results.add('{"type":"begin","file":"b.js"}');
  results.add('{"type":"result","file":"b.js","name":"works","nesting":0}');
  const errors = [...results.byFile()].map(([file, tests]) => [file, tests.map(({ error }) => error)]);
  assert.deepEqual(errors, [
    ['a.js', []],
    ['b.js', [undefined, 'The guest ended while b.js was running']],
    ['c.js', ['The guest ended before c.js was run']],
  ]);
});
