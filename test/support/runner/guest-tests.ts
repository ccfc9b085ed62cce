import { readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';

import { chooseAccelerator, describeAccelerator } from '../../../vm/accelerator.ts';
import { ARCHITECTURES } from '../../../vm/architectures.ts';
import type { GuestName } from '../../../vm/architectures.ts';
import { wantedAccelerator } from '../../../vm/arguments.ts';
import { prepareBaseImage } from '../../../vm/base-image.ts';
import type { Accelerator } from '../../../vm/emulator.ts';
import { GuestEndError, GuestError } from '../../../vm/guest-error.ts';
import { additionsForGuest } from '../../../vm/guest-additions.ts';
import { runGuest } from '../../../vm/guest.ts';
import { missingRequirement } from '../../../vm/requirements.ts';
import { declareResults } from './declare-results.ts';
import { filesMatching } from './files-matching.ts';
import { GuestResults } from './guest-results.ts';
import type { FileEnd } from './guest-results.ts';
import { repositoryRoot } from './source-files.ts';

/** A guest, and the test files to be run in it. */
export interface GuestTests {
  readonly guest: GuestName;
  /** The architecture's own when undefined. */
  readonly cpu?: string;
  readonly memoryMiB: number;
  /** Whether its clock counts instructions, so that what it measures can be repeated. */
  readonly icount?: boolean;
  /** Further devices, as the emulator's `-device` takes them: `cirrus-vga,id=cirrus`. */
  readonly devices?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** How many files run at a time: 1 for files that use the same devices. Default: 2. */
  readonly filesAtOnce?: number;
  /** Programs that the tests use there, by where they are here. */
  readonly programs?: readonly { readonly source: string; readonly path: string }[] | undefined;
  /**
   * Compiled files from dist/, `*` for any part of a name, `!` before those to leave out. One that
   * matches nothing is an error.
   */
  readonly files: readonly string[];
}

/**
 * How long a file may continue without the begin or end of a test, in seconds of a quiet machine:
 * the guest's runner measures the slowdown of this machine. The longest such time seen is 78 s, in
 * test/cli/layout.test.ts.
 */
const IDLE_SECONDS_MAX = 240;
/**
 * The guest writes at least every five seconds, times the slowdown. One that is silent for this
 * long hangs.
 */
const SILENCE_SECONDS_MAX = 600;
/** For all guests of one test file together, by the clock on the wall: CI has a limit too. */
const ALL_GUESTS_SECONDS_MAX = 3600;
/** As many as a guest has processors. */
const FILES_AT_ONCE = 2;
const MIB = 1024 * 1024;
const STDERR_CHARACTERS_SHOWN = 4000;

/**
 * Boots the guest once, runs the files in it, and declares each of their tests here with the result
 * that it had there.
 */
export async function testInGuest(tests: GuestTests): Promise<void> {
  const title = titleOf(tests);
  const missing = missingForGuest(tests);
  if (missing !== undefined) {
    test(title, { skip: missing });
    return;
  }
  const compiled = readdirSync(join(repositoryRoot, 'dist'), { recursive: true, encoding: 'utf8' });
  const results = new GuestResults(filesMatching(compiled, tests.files).map((path) => `dist/${path}`));
  const choice = await chooseAccelerator(
    { architecture: ARCHITECTURES[tests.guest], cpu: tests.cpu },
    // Only TCG counts instructions.
    tests.icount === true ? 'tcg' : wantedAccelerator(),
  );
  const { failure, panic } = await runThroughPanic({ ...tests, accelerator: choice.accelerator }, results);
  await test(title, async (t) => {
    t.diagnostic(describeAccelerator(choice));
    if (panic !== undefined) t.diagnostic(`What was left was run in another boot. ${panic.message}`);
    t.diagnostic(results.describePace());
    for (const [file, inside] of results.byFile()) {
      await t.test(file, async (t) => {
        await declareResults(t, inside);
        t.diagnostic(describeEnd(file, results.end(file)));
      });
    }
    if (failure !== undefined) throw failure;
  });
}

function titleOf({ guest, cpu, icount = false, devices = [] }: GuestTests): string {
  const processor = cpu === undefined ? '' : `, processor ${cpu}`;
  const further = devices.map((device) => `, ${device.split(',')[0]}`).join('');
  return `guest ${guest}${processor}${further}${icount ? ', counting instructions' : ''}`;
}

/**
 * The obstacle to booting the guest, which is built here if it never was; undefined without one.
 */
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

function describeEnd(file: string, end: FileEnd | undefined): string {
  if (end === undefined) return `${file} was not run to its end`;
  return `${file} took ${end.seconds} s in the guest, and up to ${end.idleSeconds} s of a quiet machine between two signs of progress`;
}

/** How a guest ended. */
interface GuestEnd {
  /** The error of the guest itself. */
  readonly failure: GuestError | undefined;
  /** The panic after which the guest was booted again. */
  readonly panic?: GuestEndError;
}

/**
 * Runs the files, and what a panic has cut off once more: tests of traces let the kernel patch its
 * own code, and an emulator's second processor sometimes crashes at that. A panic that comes again
 * is a failure.
 */
async function runThroughPanic(
  tests: GuestTests & { readonly accelerator: Accelerator },
  results: GuestResults,
): Promise<GuestEnd> {
  const failure = await runFiles(tests, results);
  if (!(failure instanceof GuestEndError) || failure.panic === undefined) return { failure };
  return { failure: await runFiles(tests, results), panic: failure };
}

/** Runs what is unfinished. Returns the error of the guest itself, or undefined. */
async function runFiles(
  tests: GuestTests & { readonly accelerator: Accelerator },
  results: GuestResults,
): Promise<GuestError | undefined> {
  const architecture = ARCHITECTURES[tests.guest];
  const limits = [architecture.quietWorkMs, IDLE_SECONDS_MAX, tests.filesAtOnce ?? FILES_AT_ONCE].map(String);
  const files = results.unfinishedFiles();
  const stdout = new PassThrough();
  const lines = createInterface({ input: stdout }).on('line', (line) => results.add(line));
  const additions = additionsForGuest(architecture);
  let errors = '';
  const stderr = new Writable({
    write: (bytes: Buffer, _encoding, done): void => {
      errors = `${errors}${bytes.toString()}`.slice(-STDERR_CHARACTERS_SHOWN);
      done();
    },
  });
  try {
    const status = await runGuest({
      architecture,
      accelerator: tests.accelerator,
      cpu: tests.cpu,
      memoryMiB: tests.memoryMiB,
      icount: tests.icount,
      devices: tests.devices ?? [],
      command: ['node', '--enable-source-maps', 'dist/vm/test-runner.js', ...limits, ...files],
      environment: { NODE_OPTIONS: '--enable-source-maps', ...additions.environment, ...tests.environment },
      files: [...additions.files, ...(tests.programs ?? [])],
      stdout,
      stderr,
      timeoutSeconds: secondsLeft(),
      silenceSecondsMax: SILENCE_SECONDS_MAX,
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

/** At least one: a guest without time would be one without limit. */
function secondsLeft(): number {
  return Math.max(1, Math.floor(ALL_GUESTS_SECONDS_MAX - performance.now() / 1000));
}
