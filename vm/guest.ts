/** Boots a guest for one command. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';

import { prepareBaseImage } from './base-image.ts';
import { openBootArchive } from './boot-archive.ts';
import type { GuestCommand } from './boot-archive.ts';
import { emulatorCommand } from './emulator.ts';
import type { EmulatorDescriptors, Machine } from './emulator.ts';
import { GuestError } from './guest-error.ts';

/** What to boot, what to run in it, and where to. */
export interface GuestRun extends Machine, GuestCommand {
  /** Where the command's output goes, as it comes. A terminal's goes to `stdout`. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** What is typed on the terminal. */
  readonly input?: Readable;
  /** From the start of the emulator. */
  readonly timeoutSeconds: number;
  /** Ends the guest. */
  readonly signal?: AbortSignal;
}

/** Positions of the emulator's descriptors. 1 is the console, 2 the emulator's own complaints. */
const DESCRIPTORS: EmulatorDescriptors = { archive: 3, control: 4, stdout: 5, stderr: 6, terminal: 7 };
const TAIL_CHARACTERS = 32_768;
const CONSOLE_LINES_SHOWN = 40;
/** A shell reports a signal as 128 and its number. */
const SIGNAL_BASE = 128;

/**
 * Boots a guest, runs the command in it, and gives the command's exit status: 128 and the number for one that a signal ended.
 *
 * @throws GuestError with the console's last lines when the guest ends without telling one: a panic, a crash of the emulator, a
 *   command that takes longer than `timeoutSeconds`
 */
export async function runGuest(run: GuestRun): Promise<number> {
  const emulator = startEmulator(run);
  const channel = (position: number): Duplex => emulator.stdio[position] as Duplex;
  const console = textTail([channel(1), channel(2)]);
  const control = textTail([channel(DESCRIPTORS.control)]);
  channel(DESCRIPTORS.stdout).pipe(run.stdout, { end: false });
  channel(DESCRIPTORS.stderr).pipe(run.stderr, { end: false });
  channel(DESCRIPTORS.terminal).pipe(run.stdout, { end: false });
  run.input?.pipe(channel(DESCRIPTORS.terminal), { end: false });
  const cause = await causeOfEnd(emulator, run);
  run.input?.unpipe();

  const status = /^status (?<status>\d+)$/mu.exec(control())?.groups?.['status'];
  if (status === undefined) {
    throw new GuestError(
      `The guest's command did not end as ${cause}. The console's last lines:\n${lastLines(console())}`,
    );
  }
  const signal = signalOf(Number(status));
  if (signal !== undefined) {
    run.stderr.write(
      `vm: the command ended with ${status}, as by ${signal}. The kernel said:\n${lastLines(console())}\n`,
    );
  }
  return Number(status);
}

function startEmulator(run: GuestRun): ChildProcess {
  const { kernelPath, archivePath } = prepareBaseImage(run.architecture);
  const archive = openBootArchive(run.architecture, archivePath, run);
  const [program = '', ...programArguments] = emulatorCommand(run, kernelPath, DESCRIPTORS);
  try {
    return spawn(program, programArguments, {
      stdio: ['ignore', 'pipe', 'pipe', archive, 'pipe', 'pipe', 'pipe', 'pipe'],
    });
  } finally {
    closeSync(archive);
  }
}

/** Waits for the end, or brings it about, and tells why it came if the command's own end was not the reason. */
async function causeOfEnd(emulator: ChildProcess, run: GuestRun): Promise<string> {
  let cause = '';
  const end = (why: string): void => {
    cause = why;
    emulator.kill('SIGKILL');
  };
  const interrupt = (): void => end('it was interrupted');
  const timer = setTimeout(() => end(`it takes longer than ${run.timeoutSeconds} s`), run.timeoutSeconds * 1000);
  run.signal?.addEventListener('abort', interrupt);
  if (run.signal?.aborted === true) interrupt();
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      emulator.on('error', reject);
      emulator.on('close', resolve);
    });
    if (cause !== '') return cause;
    return exitCode === 0 ? 'the guest panicked or switched itself off' : `the emulator ended with ${exitCode}`;
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', interrupt);
  }
}

function signalOf(status: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === status - SIGNAL_BASE)?.[0];
}

function lastLines(text: string): string {
  return text.trimEnd().split(/\r*\n/u).slice(-CONSOLE_LINES_SHOWN).join('\n');
}

/** Collects the end of what the streams say. */
function textTail(streams: readonly Readable[]): () => string {
  let text = '';
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-TAIL_CHARACTERS);
    });
  }
  return () => text;
}
