/** The package on Bun. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { runBounded } from './bounded-run.ts';
import { BUN_SOURCE, fetchRuntime } from './fetched-runtime.ts';
import { testFirstSteps } from './first-steps-tests.ts';
import { testConformanceAndExamples } from './whole-runtime-tests.ts';

const runtime = fetchRuntime(BUN_SOURCE);
const env = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0', NO_COLOR: '1' };

testFirstSteps('Bun', runtime, { env });
testConformanceAndExamples('Bun', runtime, {
  tests: (report) => ['test', '--timeout=60000', '--reporter=junit', `--reporter-outfile=${report}`],
  env,
});

const REUSED_RANGES = fileURLToPath(new URL('reused-ranges.js', import.meta.url));
const CASES = [
  ['dropped', 'most were given back, 0 are shown\n'],
  ['wasm', '0 are shown, 0 are changed\n0 are shown, 0 are changed\n'],
  ['ended', '0 are shown\n'],
] as const;
for (const [how, writes] of CASES)
  test(
    `Bun hands out no memory in which a buffer is shown: ${how}`,
    { skip: 'missing' in runtime && runtime.missing },
    async () => {
      assert.ok('path' in runtime);
      const { stdout, status } = await runBounded([runtime.path, REUSED_RANGES, how], { env });
      assert.deepEqual([stdout, status], [writes, 0]);
    },
  );
