import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import { test } from 'node:test';

import { EXAMPLE_OUTPUT } from '../examples/example-output.ts';
import { declareResults } from '../support/runner/declare-results.ts';
import { GuestResults } from '../support/runner/guest-results.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { QUIET_WORK_MS, runBounded } from './bounded-run.ts';
import { fetchRuntime, nodeSource } from './fetched-runtime.ts';

const IDLE_SECONDS_MAX = 60;
const FILES_AT_ONCE = 2;
/** Of all files: one after the other may be ended by the limit above. */
const FILES_SECONDS_MAX = 500;

/** What of the package depends most on the runtime: memory, threads and waiting. */
const SOME_FILES = [
  'test/conformance/embedded.test.js',
  'test/conformance/embedded-shareable.test.js',
  'test/share/connection.test.js',
  'test/share/inherit.test.js',
];
const MORE_FILES = [
  ...SOME_FILES,
  'src/linux/calls/readiness.test.js',
  'src/share/ring/frame-ring.test.js',
  'test/share/listener.test.js',
  'test/share/ring.test.js',
  'test/share/sync-files.test.js',
];

function testExamples(title: string, nodePath: string): void {
  const folder = join(repositoryRoot, 'dist/examples');
  for (const [name, outputOf] of Object.entries(EXAMPLE_OUTPUT)) {
    test(`${title} runs examples/${name}`, async () => {
      const { stdout, stderr, status } = await runBounded([nodePath, join(folder, name.replace('.ts', '.js'))]);
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, outputOf(nodePath));
    });
  }
}

/** Runs test files on that Node.js, and declares each of their tests here. */
function testFiles(title: string, nodePath: string, files: readonly string[]): void {
  test(`${title} passes the package's own tests`, async (t) => {
    const paths = files.map((file) => join(repositoryRoot, 'dist', file));
    const runner = join(repositoryRoot, 'dist/vm/test-runner.js');
    const limits = [QUIET_WORK_MS, IDLE_SECONDS_MAX, FILES_AT_ONCE].map(String);
    const command = [nodePath, '--enable-source-maps', runner, ...limits, ...paths];
    const { stdout, stderr, status } = await runBounded(command, { secondsMax: FILES_SECONDS_MAX });
    const results = new GuestResults(paths);
    for (const line of stdout.split('\n').filter(Boolean)) results.add(line);
    for (const [path, inside] of results.byFile()) {
      await t.test(relative(repositoryRoot, path), async (t) => await declareResults(t, inside));
    }
    assert.deepEqual([status, stderr], [0, '']);
  });
}

/**
 * Declares the examples, conformance and sharing on the newest Node.js of `range`: another one than
 * runs these tests.
 *
 * @param options.all whether all files are run that depend on the runtime, which takes some times
 *   as long
 */
export function testOnNode(range: string, { all = false }: { all?: boolean } = {}): void {
  if (process.versions.node.startsWith(`${range}.`)) {
    test(`Node.js ${range} runs the package`, { skip: `this is Node.js ${process.versions.node} itself` });
    return;
  }
  const runtime = fetchRuntime(nodeSource(range));
  if ('missing' in runtime) {
    test(`Node.js ${range} runs the package`, { skip: runtime.missing });
    return;
  }
  testExamples(runtime.title, runtime.path);
  testFiles(runtime.title, runtime.path, all ? MORE_FILES : SOME_FILES);
}
