import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { listen } from '../../src/share/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

interface ScriptOptions extends SpawnOptions {
  /** How many descriptors it may have open. */
  readonly descriptorsMax?: number;
}

/** Runs a script of this folder in a process of its own, which ends with the test at the latest. */
export function spawnScript(
  t: TestContext,
  script: string,
  args: readonly string[],
  { descriptorsMax, ...options }: ScriptOptions = {},
): ChildProcess {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const words = [process.execPath, file, ...args];
  if (descriptorsMax !== undefined) words.unshift('/bin/sh', '-c', `ulimit -n ${descriptorsMax}; exec "$0" "$@"`);
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** What a process ended with. */
export async function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? (child.signalCode as NodeJS.Signals);
}

/** A path for a socket, gone with the test. */
export function socketPath(t: TestContext): string {
  return join(temporaryFolder(t), 'socket');
}

/** A connection to a script that connects to the path which is its first argument. */
export async function connectScript(
  t: TestContext,
  script: string,
  args: readonly string[] = [],
): Promise<{ connection: BufferConnection; child: ChildProcess }> {
  const path = socketPath(t);
  const listener = await listen(path);
  const child = spawnScript(t, script, [path, ...args]);
  const gone = new AbortController();
  child.once('exit', (code, signal) =>
    gone.abort(new Error(`${script} ended with ${code ?? signal} before it connected`)),
  );
  const connection = await listener.accept({ signal: gone.signal }).finally(() => listener.close());
  return { connection, child };
}
