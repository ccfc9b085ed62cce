/** Runs in a guest: test files, each in a process of its own, their results as lines of JSON on stdout. */

import { run } from 'node:test';
import { inspect } from 'node:util';

/** One line. */
export type TestMessage =
  | { readonly type: 'begin'; readonly file: string }
  | { readonly type: 'end'; readonly file: string; readonly seconds: number }
  | {
      readonly type: 'result';
      readonly file: string;
      readonly name: string;
      /** 0 for a test of the file itself, 1 for a subtest of it. Subtests come before the test they belong to. */
      readonly nesting: number;
      /** What is wrong; undefined when the test passed, or when only its subtests failed. */
      readonly error?: string | undefined;
      /** Why it was left out, or left undone. */
      readonly skip?: string | undefined;
      readonly todo?: string | undefined;
    };

/** What node:test tells of a test that ended. */
interface TestEnd {
  readonly name: string;
  readonly nesting: number;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly error?: TestFailure | undefined; readonly type?: string | undefined };
}

/** What node:test wraps errors in: of a file, with how its process ended. */
interface TestFailure extends Error {
  readonly failureType?: string;
  readonly signal?: string | null;
  readonly exitCode?: number | null;
}

/** As many as the guest has processors. */
const CONCURRENCY = 2;
const COMPLAINT_CHARACTERS_MAX = 4000;

function report(message: TestMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function runFile(file: string, timeout: number): Promise<void> {
  const start = performance.now();
  let complaints = '';
  const reportEnd = ({ name, nesting, skip, todo, details }: TestEnd): void => {
    const error = errorText(details.error, complaints);
    report({ type: 'result', file, name, nesting, error, skip: reason(skip), todo: reason(todo) });
  };
  report({ type: 'begin', file });
  const stream = run({ files: [file], timeout });
  stream.on('test:pass', reportEnd);
  stream.on('test:fail', reportEnd);
  stream.on('test:stderr', ({ message }) => {
    complaints = (complaints + message).slice(-COMPLAINT_CHARACTERS_MAX);
  });
  for await (const event of stream) void event;
  report({ type: 'end', file, seconds: Math.round((performance.now() - start) / 1000) });
}

/** Of a file whose process ended badly, also what it wrote to stderr. */
function errorText(error: TestFailure | undefined, complaints: string): string | undefined {
  if (error === undefined || error.failureType === 'subtestsFailed') return undefined;
  if (typeof error.signal === 'string') return `its process was ended by ${error.signal}\n${complaints}`;
  if (typeof error.exitCode === 'number') return `its process ended with ${error.exitCode}\n${complaints}`;
  return inspect(error.cause ?? error);
}

/** A test can be skipped without a reason. */
function reason(value: string | boolean | undefined): string | undefined {
  if (value === undefined || value === false) return undefined;
  return value === true ? '' : value;
}

const [timeoutSeconds, ...files] = process.argv.slice(2);
async function runNext(): Promise<void> {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    await runFile(file, Number(timeoutSeconds) * 1000);
  }
}
await Promise.all(Array.from({ length: CONCURRENCY }, runNext));
