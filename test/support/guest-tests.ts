import { readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { ARCHITECTURES } from '../../vm/architectures.ts';
import type { GuestName } from '../../vm/architectures.ts';
import { prepareBaseImage } from '../../vm/base-image.ts';
import { GuestError } from '../../vm/guest-error.ts';
import { runGuest } from '../../vm/guest.ts';
import { missingRequirement } from '../../vm/requirements.ts';
import { filesMatching } from './files-matching.ts';
import { GuestResults } from './guest-results.ts';
import type { GuestTest } from './guest-results.ts';
import { repositoryRoot } from './source-files.ts';

/** A guest, and the test files to be run in it. */
export interface GuestTests {
  readonly guest: GuestName;
  /** The architecture's own when undefined. */
  readonly cpu?: string;
  readonly memoryMiB: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Programs that the tests use there, by where they are here. */
  readonly programs?: readonly { readonly source: string; readonly path: string }[] | undefined;
  /** Compiled files from dist/, `*` for any part of a name. One that matches nothing is an error. */
  readonly files: readonly string[];
}

/** One file may take so long, and all of a guest's files. */
const FILE_SECONDS_MAX = 600;
const GUEST_SECONDS_MAX = 2700;
const MIB = 1024 * 1024;
const STDERR_CHARACTERS_SHOWN = 4000;

/** Boots the guest once, runs the files in it, and declares each of their tests here with the result that it had there. */
export async function testInGuest(tests: GuestTests): Promise<void> {
  const title = `guest ${tests.guest}${tests.cpu === undefined ? '' : `, processor ${tests.cpu}`}`;
  const missing = missingForGuest(tests);
  if (missing !== undefined) {
    test(title, { skip: missing });
    return;
  }
  const compiled = readdirSync(join(repositoryRoot, 'dist'), { recursive: true, encoding: 'utf8' });
  const results = new GuestResults(filesMatching(compiled, tests.files).map((path) => `dist/${path}`));
  const failure = await runFiles(tests, results);
  await test(title, async (t) => {
    for (const [file, inside] of results.byFile()) {
      await t.test(file, async (t) => {
        await declareAll(t, inside);
        t.diagnostic(`${file} took ${results.seconds(file) ?? 'unknown'} s in the guest`);
      });
    }
    if (failure !== undefined) throw failure;
  });
}

/** What keeps this machine from booting the guest, which is built here if it never was; undefined when nothing does. */
export function missingForGuest({ guest, memoryMiB }: Pick<GuestTests, 'guest' | 'memoryMiB'>): string | undefined {
  const architecture = ARCHITECTURES[guest];
  const missing = missingRequirement(architecture);
  if (missing !== undefined) return missing;
  if (freemem() < memoryMiB * MIB) {
    return `${Math.floor(freemem() / MIB)} MiB of memory are free, and the guest takes up to ${memoryMiB} MiB`;
  }
  try {
    prepareBaseImage(architecture);
    return undefined;
  } catch (error) {
    if (error instanceof GuestError) return error.message;
    throw error;
  }
}

/** Gives what went wrong with the guest itself, or undefined. */
async function runFiles(tests: GuestTests, results: GuestResults): Promise<GuestError | undefined> {
  const files = [...results.byFile().keys()];
  const stdout = new PassThrough();
  const lines = createInterface({ input: stdout }).on('line', (line) => results.add(line));
  let errors = '';
  const stderr = new Writable({
    write: (bytes: Buffer, _encoding, done): void => {
      errors = `${errors}${bytes.toString()}`.slice(-STDERR_CHARACTERS_SHOWN);
      done();
    },
  });
  try {
    const status = await runGuest({
      architecture: ARCHITECTURES[tests.guest],
      cpu: tests.cpu,
      memoryMiB: tests.memoryMiB,
      command: ['node', '--enable-source-maps', 'dist/vm/test-runner.js', `${FILE_SECONDS_MAX}`, ...files],
      environment: { NODE_OPTIONS: '--enable-source-maps', ...tests.environment },
      ...(tests.programs === undefined ? {} : { files: tests.programs }),
      stdout,
      stderr,
      timeoutSeconds: GUEST_SECONDS_MAX,
    });
    return status === 0 ? undefined : new GuestError(`The guest's test runner ended with ${status}:\n${errors}`);
  } catch (error) {
    if (error instanceof GuestError) return error;
    throw error;
  } finally {
    stdout.end();
    await new Promise((resolve) => lines.once('close', resolve));
  }
}

async function declareAll(t: TestContext, tests: readonly GuestTest[]): Promise<void> {
  for (const { name, error, skip, todo, children } of tests) {
    const options = {
      ...(skip === undefined ? {} : { skip: skip || true }),
      ...(todo === undefined ? {} : { todo: todo || true }),
    };
    await t.test(name, options, async (t) => {
      await declareAll(t, children);
      if (error !== undefined) throw toError(error);
    });
  }
}

/** Says what was wrong there, without a stack of here. */
function toError(text: string): Error {
  const error = new Error(text);
  error.stack = text;
  return error;
}
