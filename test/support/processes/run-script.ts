import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PACKAGE_URL = new URL('../../../src/', import.meta.url).href;

/** What a script of {@link runScript} finds in scope. */
const PRELUDE = `
  import assert from 'node:assert/strict';
  import { GiB, KiB, MiB, importBuffer, isDmaBufError, openHeap } from '${PACKAGE_URL}index.js';
  import { openEmbeddedHeap } from '${PACKAGE_URL}backend/embedded/index.js';
`;

/**
 * After which a child hangs. None where the tests' runner has a limit that goes by the machine's
 * speed: vm/test-runner.ts.
 */
export const CHILD_TIMEOUT_MS: number | undefined = process.env['DMABUF_TEST_UNTIMED'] === '1' ? undefined : 300_000;

/**
 * Runs an ES module in a Node of its own, behind shell commands such as `ulimit -n 64`.
 *
 * @returns what it wrote to stdout
 * @throws when it does not exit with 0, with what it wrote to stderr and the signal that ended it
 */
export function runScript(script: string, shellCommands = ''): string {
  const command = `${shellCommands}\nexec "$0" --input-type=module --eval "$1"`;
  const result = spawnSync('sh', ['-ec', command, process.execPath, PRELUDE + script], {
    encoding: 'utf8',
    timeout: CHILD_TIMEOUT_MS,
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  if (result.status === 0) return result.stdout;
  throw new Error(
    `The script ended with ${result.status ?? result.signal ?? 'no status'}:\n${result.stdout}${result.stderr}`,
  );
}
