import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { measureFixedWorkMs } from '../../vm/fixed-work.ts';
import { QuietClock } from '../../vm/quiet-clock.ts';

/**
 * In seconds of a quiet machine, on which nothing that is run here takes more than one or two. A
 * wake-up that was missed may come half a minute late, by chance: that is a failure too.
 */
const RUN_SECONDS_MAX = 20;
const TICK_SECONDS = 1;
/** What fixedWork() takes on a processor of these years that has nothing else to do. */
export const QUIET_WORK_MS = 24;

/** How a program ended. */
export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status, or the signal's name. */
  readonly status: number | string;
}

/**
 * Runs a program to its end, and ends with it all processes that it started.
 *
 * @throws when it takes longer than `secondsMax` of a quiet machine, with what it wrote until then
 */
export async function runBounded(
  command: readonly string[],
  { secondsMax = RUN_SECONDS_MAX, env = {} }: { secondsMax?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<RunResult> {
  const [program = '', ...words] = command;
  // A group of its own, so that processes which it started can be ended with it. node:test would
  // else take a runtime's tests for some that this process runs.
  const options = { detached: true, env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined } };
  const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child, 'spawn');
  const clock = new QuietClock({
    intervalSeconds: TICK_SECONDS,
    quietMs: QUIET_WORK_MS,
    measureMs: measureFixedWorkMs,
  });
  const timer = setInterval(() => {
    clock.tick();
    if (clock.seconds >= secondsMax) endGroup(child.pid);
  }, TICK_SECONDS * 1000);
  child.once('exit', () => endGroup(child.pid));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  clearInterval(timer);
  if (clock.seconds >= secondsMax) {
    throw new Error(`It did not end within ${secondsMax} s of a quiet machine. It wrote: ${stdout}${stderr}`);
  }
  return { stdout, stderr, status: child.exitCode ?? child.signalCode ?? 'unknown' };
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // None of the group is left.
  }
}
