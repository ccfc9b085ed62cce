import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { runBounded } from './bounded-run.ts';
import type { Runtime } from './fetched-runtime.ts';

/** What each step of first-steps.ts writes, and what it stands for. */
const STEPS: readonly (readonly [step: string, does: string, writes: string])[] = [
  ['view', 'allocates a buffer, and maps it', '65536 7 9'],
  ['access', 'brackets accesses', '5 5'],
  ['socket', 'sends a buffer through a socket, and has an answer', 'a frame: found 1, left 2'],
  ['inherit', 'hands a connection to a child, which finds the buffer', 'a frame: found 1, left 2'],
  ['worker', 'has a worker thread write into a buffer', 'exit 0, left 3'],
  ['abort', 'gives up a wait', 'given up: long enough'],
];
const PROGRAM = fileURLToPath(new URL('first-steps.js', import.meta.url));

/**
 * Declares the first steps with the package on `runtime`, which takes the words `options` before a
 * program's path.
 */
export function testFirstSteps(
  name: string,
  runtime: Runtime,
  { options = [], env = {} }: { options?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): void {
  if ('missing' in runtime) {
    test(`${name} takes the first steps`, { skip: runtime.missing });
    return;
  }
  for (const [step, does, writes] of STEPS) {
    test(`${runtime.title} ${does}`, async () => {
      const result = await runBounded([runtime.path, ...options, PROGRAM, step], { env });
      assert.deepEqual(result, { stdout: `${writes}\n`, stderr: '', status: 0 });
    });
  }
}
