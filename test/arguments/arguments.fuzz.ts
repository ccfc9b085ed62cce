/**
 * Goal: any value may be passed to anything public, on open and closed objects. Only a `TypeError`,
 * a `RangeError`, a `DmaBufError`, an abort reason or an error of the value itself comes out. No
 * promise is left unhandled, no call takes more than five seconds, nothing is leaked, and the
 * process lives.
 *
 * Method: everything public is found at run time. Well-formed arguments with one hostile value
 * somewhere in them, or only hostile values, are drawn from a seed, in a process of its own
 * (fuzz-run.ts), which records each call before it makes it.
 *
 * A failure names the seed: DMABUF_FUZZ_SEED=<seed> runs it again. DMABUF_FUZZ_MS is the time to
 * run.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(2 ** 32 - 1));
const RUN_MS = Number(env['DMABUF_FUZZ_MS'] ?? 15_000);
const LOOK_INTERVAL_MS = 250;
/** CPU time of one call: a busy machine may give none for a while. */
const CPU_MS_MAX = 5000;
/** Elapsed time: a call that sleeps uses no CPU time. */
const WALL_MS_MAX = 60_000;
/**
 * USER_HZ, in which /proc/PID/stat counts, is 100 on every architecture that we run on (man 5
 * proc).
 */
const TICK_MS = 10;

/**
 * How much CPU a process has used: `utime` and `stime`, the 14th and 15th field. The name before
 * them may contain anything.
 */
function cpuMsOf(pid: number): number {
  const [, afterName = ''] = /^.*\) (?<rest>.*)$/su.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  const fields = afterName.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Checks that the process proceeds from call to call. */
class Watch {
  readonly #journal: string;
  readonly #pid: number;
  #call = '';
  #sinceCpuMs = 0;
  #sinceMs = Date.now();

  constructor(journal: string, pid: number) {
    this.#journal = journal;
    this.#pid = pid;
  }

  isStuck(): boolean {
    const call = readFileSync(this.#journal, 'utf8');
    const cpuMs = cpuMsOf(this.#pid);
    if (call !== this.#call) {
      this.#call = call;
      this.#sinceCpuMs = cpuMs;
      this.#sinceMs = Date.now();
    }
    return cpuMs - this.#sinceCpuMs > CPU_MS_MAX || Date.now() - this.#sinceMs > WALL_MS_MAX;
  }
}

test('hostile arguments are refused by everything public', async (t) => {
  const folder = temporaryFolder(t);
  const journal = join(folder, 'journal');
  const script = fileURLToPath(new URL('fuzz-run.js', import.meta.url));
  const child = spawn(process.execPath, [script, String(SEED_FIRST), String(RUN_MS), journal], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  // Waits for its first message: the start takes a while.
  await once(child.stderr, 'data');
  const watch = new Watch(journal, child.pid as number);
  let isStuck = false;
  const looking = setInterval(() => {
    isStuck ||= watch.isStuck();
    if (isStuck) child.kill('SIGKILL');
  }, LOOK_INTERVAL_MS);
  // What /proc has of it is gone then, while its last words may still be read.
  child.once('exit', () => clearInterval(looking));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const last = readFileSync(journal, 'utf8').trim();
  const outcome = isStuck ? 'It hung' : `It ended with ${code ?? signal}`;
  assert.ok(code === 0 && !isStuck, `${outcome} at ${last}: run it again with DMABUF_FUZZ_SEED\n${said}`);
  t.diagnostic(`${last}, seeds from ${SEED_FIRST}`);
});
