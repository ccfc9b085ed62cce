/**
 * The package on Deno, which asks for every permission that a program needs: `--allow-all` has
 * `--allow-ffi`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { DENO_SOURCE, fetchRuntime } from './fetched-runtime.ts';
import { testFirstSteps } from './first-steps-tests.ts';
import { testConformanceAndExamples } from './whole-runtime-tests.ts';

/** Deno keeps what it compiled, and looks for a newer Deno. */
const folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const env = { DENO_DIR: folder, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };

const runtime = fetchRuntime(DENO_SOURCE);

testFirstSteps('Deno', runtime, { options: ['run', '--allow-all', '--quiet'], env });
testConformanceAndExamples('Deno', runtime, {
  program: ['run', '--allow-all', '--quiet'],
  tests: (report) => ['test', '--allow-all', '--quiet', '--no-check', `--junit-path=${report}`],
  env,
});
