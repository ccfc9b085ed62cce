import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { EXAMPLE_OUTPUT } from '../examples/example-output.ts';
import { declareResults } from '../support/runner/declare-results.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { runBounded } from './bounded-run.ts';
import type { Runtime } from './fetched-runtime.ts';
import { readJUnitReport } from './junit-report.ts';

const FILE_SECONDS_MAX = 120;

/** What of the tests a runtime without a `node:test` runner of its own is to pass. */
const FILES = ['test/conformance/embedded.test.js', 'test/conformance/embedded-shareable.test.js'];

/** How a runtime runs things: the words before a program's path, and before a file of tests. */
export interface RuntimeCommands {
  readonly program?: readonly string[];
  /** @param report where its report is to be written, as JUnit has it */
  readonly tests: (report: string) => readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Declares the examples and the conformance suite on `runtime`. */
export function testConformanceAndExamples(name: string, runtime: Runtime, commands: RuntimeCommands): void {
  if ('missing' in runtime) {
    test(`${name} runs the examples and the conformance suite`, { skip: runtime.missing });
    return;
  }
  const { program = [], tests, env } = commands;
  for (const [example, outputOf] of Object.entries(EXAMPLE_OUTPUT)) {
    test(`${runtime.title} runs examples/${example}`, async () => {
      const path = join(repositoryRoot, 'dist/examples', example.replace('.ts', '.js'));
      const { stdout, stderr, status } = await runBounded([runtime.path, ...program, path], { env });
      assert.deepEqual([stderr, status], ['', 0]);
      assert.match(stdout, outputOf(runtime.path));
    });
  }
  for (const file of FILES) {
    test(`${runtime.title} passes ${file}`, async (t) => {
      const report = join(temporaryFolder(t), 'report.xml');
      const command = [runtime.path, ...tests(report), join(repositoryRoot, 'dist', file)];
      const { stdout, stderr, status } = await runBounded(command, { env, secondsMax: FILE_SECONDS_MAX });
      assert.ok(existsSync(report), `${stdout}${stderr}`);
      const results = readJUnitReport(readFileSync(report, 'utf8'), runtime.title);
      assert.ok(results.length > 10, `${results.length} tests were found`);
      await declareResults(t, results);
      assert.equal(status, 0, `${stdout}${stderr}`);
    });
  }
}
