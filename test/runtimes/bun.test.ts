/** The package on Bun. */

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
