/**
 * From the test runner of a guest, which runs here as well, to the tests that are declared for it.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { GuestResults } from '../support/runner/guest-results.ts';
import type { GuestTest } from '../support/runner/guest-results.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const RUNNER = fileURLToPath(new URL('../../vm/test-runner.js', import.meta.url));
/** On any machine: its work then takes no longer than on a quiet one. */
const QUIET_WORK_MS = 1e9;
/** Longer than a busy machine takes to start a process. */
const IDLE_SECONDS = 5;

interface Limits {
  readonly quietWorkMs?: number;
  readonly idleSeconds?: number;
}

/** The results of a test file with this text. */
function resultsOf(t: TestContext, text: string, limits?: Limits): readonly GuestTest[] {
  return run(t, text, limits).tests;
}

function run(
  t: TestContext,
  text: string,
  { quietWorkMs = QUIET_WORK_MS, idleSeconds = IDLE_SECONDS }: Limits = {},
): { results: GuestResults; tests: readonly GuestTest[] } {
  const file = join(temporaryFolder(t), 'some.test.mjs');
  writeFileSync(file, `import { test } from 'node:test'; import assert from 'node:assert/strict';\n${text}`);
  // Without it, node:test takes this process for one that it started itself.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const words = [RUNNER, `${quietWorkMs}`, `${idleSeconds}`, '1', file];
  const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', env });
  const results = new GuestResults([file]);
  for (const line of stdout.split('\n').filter(Boolean)) results.add(line);
  return { results, tests: results.byFile().get(file) ?? [] };
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
  assert.match(results.at(-1)?.error ?? '', /timed out before it told of a test: .* 5 s of a quiet machine/u);
});

test('GuestResults have a failure that names a file which hangs, though it writes all the time', (t) => {
  const results = resultsOf(t, `test('writes', () => { for (;;) console.error('and so on'); });`);
  assert.match(results.at(-1)?.error ?? '', /timed out before it told of a test[^]*and so on/u);
});

test('GuestResults have a failure that names the test which waits for ever', (t) => {
  const results = resultsOf(
    t,
    `test('ends', () => {}); test('waits', () => new Promise(() => setTimeout(() => {}, 1e6)));`,
  );
  assert.deepEqual(results.map(({ name, error }) => [name, error !== undefined]).slice(0, -1), [['ends', false]]);
  assert.match(results.at(-1)?.error ?? '', /timed out in "waits"/u);
});

test('GuestResults are of a whole file that goes on for longer than the limit, while its tests do not', (t) => {
  const wait = `import { setTimeout } from 'node:timers/promises';
    for (let index = 0; index < 15; index += 1) test('number ' + index, async () => await setTimeout(400));`;
  const { results, tests } = run(t, wait);
  assert.deepEqual(
    tests.map(({ name, error }) => [name, error]),
    Array.from({ length: 15 }, (_, index) => [`number ${index}`, undefined]),
  );
  const [end] = [...results.byFile().keys()].map((file) => results.end(file));
  assert.ok(end !== undefined && end.seconds >= 6, JSON.stringify(end));
});

test('GuestResults are of a whole file on a machine that is so slow that no test of it ends within the limit', (t) => {
  // On any machine, the work takes thousands of times as long as the claimed time of a quiet one.
  const tests = resultsOf(
    t,
    `test('takes its time', async () => await new Promise((resolve) => setTimeout(resolve, 3000)));`,
    {
      quietWorkMs: 0.001,
      idleSeconds: 1,
    },
  );
  assert.deepEqual(
    tests.map(({ name, error }) => [name, error]),
    [['takes its time', undefined]],
  );
});

test('the runner tells tests to leave their own time limits to it', (t) => {
  const [only] = resultsOf(t, `test('untimed', () => assert.equal(process.env.DMABUF_TEST_UNTIMED, '1'));`);
  assert.equal(only?.error, undefined);
});

test('GuestResults tell how fast the guest was', () => {
  const results = new GuestResults([]);
  assert.match(results.describePace(), /did not begin/u);
  for (const [uptimeSeconds, slowdown] of [
    [9, 1],
    [14, 5.04],
    [19, 2],
  ]) {
    results.add(JSON.stringify({ type: 'heartbeat', uptimeSeconds, slowdown }));
  }
  assert.equal(
    results.describePace(),
    'The guest was up after 9 s, and 2.0 times slower than on a quiet machine (at worst 5.0 times)',
  );
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

test('GuestResults of a guest that was booted again are those of the second boot, for what the first left', () => {
  const results = new GuestResults(['a.js', 'b.js', 'c.js']);
  results.add('{"type":"begin","file":"a.js"}');
  results.add('{"type":"result","file":"a.js","name":"works","nesting":0}');
  results.add('{"type":"end","file":"a.js"}');
  results.add('{"type":"begin","file":"b.js"}');
  results.add('{"type":"result","file":"b.js","name":"fails","nesting":0,"error":"of the panic"}');
  // What a panic cuts off.
  results.add('{"type":"res');
  assert.deepEqual(results.unfinishedFiles(), ['b.js', 'c.js']);
  for (const file of results.unfinishedFiles()) {
    results.add(`{"type":"begin","file":"${file}"}`);
    results.add(`{"type":"result","file":"${file}","name":"works again","nesting":0}`);
    results.add(`{"type":"end","file":"${file}"}`);
  }
  const seen = [...results.byFile()].map(([file, tests]) => [file, tests.map(({ name, error }) => [name, error])]);
  assert.deepEqual(seen, [
    ['a.js', [['works', undefined]]],
    ['b.js', [['works again', undefined]]],
    ['c.js', [['works again', undefined]]],
  ]);
});
