/**
 * Runs test files in a guest, each in a process of its own, and prints their results as lines of
 * JSON on stdout.
 *
 * `node test-runner.js QUIET_WORK_MS IDLE_SECONDS FILES_AT_ONCE FILE…`: how long `fixedWork()`
 * takes in this guest on a quiet machine; how long a file may continue without the begin or end of
 * a test, in seconds of a quiet machine; and how many files run at a time.
 */

import { uptime } from 'node:os';
import { run } from 'node:test';
import { inspect } from 'node:util';

import { measureFixedWorkMs, warmUpFixedWork } from './fixed-work.ts';
import { QuietClock } from './quiet-clock.ts';

/** One line. */
export type TestMessage =
  | { readonly type: 'begin'; readonly file: string }
  | {
      readonly type: 'end';
      readonly file: string;
      /** In elapsed time. */
      readonly seconds: number;
      /** The longest time without a sign of progress, in seconds of a quiet machine. */
      readonly idleSeconds: number;
    }
  /** Reported regularly, independent of the tests. */
  | { readonly type: 'heartbeat'; readonly uptimeSeconds: number; readonly slowdown: number }
  | {
      readonly type: 'result';
      readonly file: string;
      readonly name: string;
      /**
       * 0 for a test of the file itself, 1 for a subtest of it. Subtests come before their test.
       */
      readonly nesting: number;
      /** The error; undefined when the test passed, or when only its subtests failed. */
      readonly error?: string | undefined;
      /** Why it was skipped, or cancelled. */
      readonly skip?: string | undefined;
      readonly todo?: string | undefined;
    };

/** node:test's report of a test that ended. */
interface TestEnd {
  readonly name: string;
  readonly nesting: number;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly error?: TestFailure | undefined; readonly type?: string | undefined };
}

/** node:test's wrapper of errors: that of a file says how its process ended. */
interface TestFailure extends Error {
  readonly failureType?: string;
  readonly signal?: string | null;
  readonly exitCode?: number | null;
}

/** A file whose process is running. */
interface RunningFile {
  readonly start: number;
  readonly controller: AbortController;
  /** The end of its process's output, which may explain why it ended. */
  complaints: string;
  /** The test that began last. */
  lastTest: string;
  /** The time of the last begin or end of a test, by the clock of a quiet machine. */
  lastSign: number;
  idleSeconds: number;
}

const COMPLAINT_CHARACTERS_MAX = 4000;
const HEARTBEAT_SECONDS_MAX = 5;
const HEARTBEATS_PER_LIMIT_MIN = 4;
/** Output of a file's process is not a sign of progress: a hanging one may write forever. */
const OUTPUT_EVENTS: ReadonlySet<string> = new Set(['test:stdout', 'test:stderr']);

const [quietWorkMs = '', idleSecondsMax = '', filesAtOnce = '', ...files] = process.argv.slice(2);
const idleLimit = Number(idleSecondsMax);
const intervalSeconds = Math.min(HEARTBEAT_SECONDS_MAX, idleLimit / HEARTBEATS_PER_LIMIT_MIN);
warmUpFixedWork();
const clock = new QuietClock({ intervalSeconds, quietMs: Number(quietWorkMs), measureMs: measureFixedWorkMs });
const runningFiles = new Set<RunningFile>();

function report(message: TestMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function beat(): void {
  report({ type: 'heartbeat', uptimeSeconds: Math.round(uptime()), slowdown: clock.slowdown });
}

function tick(): void {
  clock.tick();
  beat();
  for (const running of runningFiles) {
    noteIdleSeconds(running);
    if (clock.seconds - running.lastSign > idleLimit) running.controller.abort(new Error(timeoutText(running)));
  }
}

function noteIdleSeconds(running: RunningFile): void {
  running.idleSeconds = Math.max(running.idleSeconds, clock.seconds - running.lastSign);
}

/** The current test is unknown when a process blocks. */
function timeoutText({ lastTest, start }: RunningFile): string {
  const where = lastTest === '' ? 'before it told of a test' : `in "${lastTest}", or in one that it could not tell of`;
  const seconds = Math.round((performance.now() - start) / 1000);
  const slowdown = clock.slowdown.toFixed(1);
  return `timed out ${where}: no test began or ended in ${idleLimit} s of a quiet machine (it ran for ${seconds} s here, and is ${slowdown} times slower now)`;
}

async function runFile(file: string): Promise<void> {
  const running: RunningFile = {
    start: performance.now(),
    controller: new AbortController(),
    complaints: '',
    lastTest: '',
    lastSign: clock.seconds,
    idleSeconds: 0,
  };
  report({ type: 'begin', file });
  runningFiles.add(running);
  const stream = run({ files: [file], signal: running.controller.signal });
  const reportEnd = (end: TestEnd): void => reportResult(file, end, running);
  stream.on('test:pass', reportEnd);
  stream.on('test:fail', reportEnd);
  stream.on('test:dequeue', ({ name }) => {
    if (name !== file) running.lastTest = name;
  });
  stream.on('test:stderr', ({ message }) => {
    running.complaints = (running.complaints + message).slice(-COMPLAINT_CHARACTERS_MAX);
  });
  for await (const { type } of stream as AsyncIterable<{ type: string }>) {
    if (OUTPUT_EVENTS.has(type)) continue;
    noteIdleSeconds(running);
    running.lastSign = clock.seconds;
  }
  runningFiles.delete(running);
  const seconds = Math.round((performance.now() - running.start) / 1000);
  report({ type: 'end', file, seconds, idleSeconds: Math.round(running.idleSeconds) });
}

function reportResult(file: string, { name, nesting, skip, todo, details }: TestEnd, running: RunningFile): void {
  const error = errorText(details.error, running);
  report({ type: 'result', file, name, nesting, error, skip: reason(skip), todo: reason(todo) });
}

/** For a file whose process failed, also its stderr. */
function errorText(error: TestFailure | undefined, { controller, complaints }: RunningFile): string | undefined {
  if (error === undefined || error.failureType === 'subtestsFailed') return undefined;
  if (error.failureType === 'testAborted' && controller.signal.aborted) {
    return `${(controller.signal.reason as Error).message}\n${complaints}`;
  }
  if (typeof error.signal === 'string') return `its process was ended by ${error.signal}\n${complaints}`;
  if (typeof error.exitCode === 'number') return `its process ended with ${error.exitCode}\n${complaints}`;
  return inspect(error.cause ?? error);
}

/** A test can be skipped without a reason. */
function reason(value: string | boolean | undefined): string | undefined {
  if (value === undefined || value === false) return undefined;
  return value === true ? '' : value;
}

async function runNext(): Promise<void> {
  for (let file = files.shift(); file !== undefined; file = files.shift()) await runFile(file);
}

// The tests' own time limits would be wrong for a guest on a busy machine.
process.env['DMABUF_TEST_UNTIMED'] = '1';
beat();
setInterval(tick, intervalSeconds * 1000);
await Promise.all(Array.from({ length: Number(filesAtOnce) }, runNext));
// A process may survive the request to end. It must not keep this one alive.
process.exit();
