import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The compiled command. */
export const CLI_PATH: string = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

/** What a run of the command ended with. */
export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `dmabuf` with `args` in a process of its own, its output in pipes. */
export function runCli(...args: readonly string[]): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI_PATH, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}
