import { spawnSync } from 'node:child_process';

import { GuestError } from './guest-error.ts';

/** Reports on stderr that a slow step has begun. */
export function reportProgress(text: string): void {
  process.stderr.write(`vm: ${text}…\n`);
}

/**
 * Runs a program to its end and returns its stdout. Throws a {@link GuestError} with its output
 * when it fails.
 */
export function runProgram(program: string, programArguments: readonly string[], folder?: string): string {
  // sbin contains depmod, but is not in every user's path.
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const result = spawnSync(program, programArguments, { cwd: folder, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.status === 0) return result.stdout;
  const said = result.error?.message ?? `${result.stdout}${result.stderr}`.trim();
  const words = programArguments.filter((word) => !word.startsWith('-o')).join(' ');
  throw new GuestError(`Cannot build the guest as "${program} ${words}" failed: ${said}`);
}
