/** Boots a guest for one command. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';

import { prepareBaseImage } from './base-image.ts';
import { openBootArchive } from './boot-archive.ts';
import type { GuestCommand } from './boot-archive.ts';
import { causeOfEnd } from './emulator-end.ts';
import type { EmulatorLimits } from './emulator-end.ts';
import { emulatorCommand, INSTRUCTION_NS } from './emulator.ts';
import type { EmulatorDescriptors, Machine } from './emulator.ts';
import { GuestEndError } from './guest-error.ts';
import { BEGUN } from './init-script.ts';
import { answerScreenDumps } from './screen-dumps.ts';

/**
 * The guest, its command, the output, and the time limits. Silence means that of the command's
 * stdout, the boot included.
 */
export interface GuestRun extends Machine, GuestCommand, EmulatorLimits {
  /** The destination of the command's output. A terminal's goes to `stdout`. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** The input typed on the terminal. */
  readonly input?: Readable;
}

/** Positions of the emulator's descriptors. 1 is the console, 2 the emulator's own errors. */
const DESCRIPTORS: EmulatorDescriptors = {
  archive: 3,
  control: 4,
  stdout: 5,
  stderr: 6,
  terminal: 7,
  screens: 8,
  monitor: 9,
};
const CHANNEL_COUNT = Object.keys(DESCRIPTORS).length - 1;
const TAIL_CHARACTERS = 32_768;
const CONSOLE_LINES_SHOWN = 40;
const PANIC = 'Kernel panic - not syncing';
/** A shell reports a signal as 128 plus its number. */
const SIGNAL_BASE = 128;

/**
 * Boots a guest, runs the command in it, and returns the command's exit status: 128 plus the number
 * for one that a signal ended.
 *
 * @throws GuestEndError with the console's last lines when the guest ends without an exit status: a
 *   panic, a crash of the emulator, a command beyond its time limit
 */
export async function runGuest(run: GuestRun): Promise<number> {
  try {
    return await bootAndRun(run);
  } catch (error) {
    if (!(error instanceof GuestEndError) || error.panic !== 'boot') throw error;
    // The kernel patches its own code as it boots, and an emulator's second processor sometimes
    // crashes at that ("Oops: int3").
    run.stderr.write(`vm: the kernel panicked before the command began: booting again\n`);
    return await bootAndRun(run);
  }
}

async function bootAndRun(run: GuestRun): Promise<number> {
  const emulator = startEmulator(run);
  // One that is ended before it has read everything resets its channels: how it ended says more.
  for (const stream of emulator.stdio) stream?.on('error', () => {});
  const channel = (position: number): Duplex => emulator.stdio[position] as Duplex;
  const console = textTail([channel(1), channel(2)]);
  const control = textTail([channel(DESCRIPTORS.control)]);
  channel(DESCRIPTORS.stdout).pipe(run.stdout, { end: false });
  channel(DESCRIPTORS.stderr).pipe(run.stderr, { end: false });
  channel(DESCRIPTORS.terminal).pipe(run.stdout, { end: false });
  run.input?.pipe(channel(DESCRIPTORS.terminal), { end: false });
  answerScreenDumps(channel(DESCRIPTORS.screens), channel(DESCRIPTORS.monitor));
  const cause = await causeOfEnd(emulator, channel(DESCRIPTORS.stdout), run);
  run.input?.unpipe();

  const status = /^status (?<status>\d+)$/mu.exec(control())?.groups?.['status'];
  if (status === undefined) {
    const phase = control().split('\n').includes(BEGUN) ? 'command' : 'boot';
    throw new GuestEndError(cause, lastLines(console()), console().includes(PANIC) ? phase : undefined);
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
  const environment = { ...clockEnvironment(run), ...run.environment };
  const archive = openBootArchive(run.architecture, archivePath, { ...run, environment });
  const [program = '', ...programArguments] = emulatorCommand(run, kernelPath, DESCRIPTORS);
  try {
    return spawn(program, programArguments, {
      stdio: ['ignore', 'pipe', 'pipe', archive, ...Array.from({ length: CHANNEL_COUNT }, () => 'pipe' as const)],
    });
  } finally {
    closeSync(archive);
  }
}

/** It makes `dmabuf vmap` call its measurements instructions. */
function clockEnvironment({ icount = false }: Machine): Record<string, string> {
  return icount ? { DMABUF_INSTRUCTION_NS: String(INSTRUCTION_NS) } : {};
}

function signalOf(status: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === status - SIGNAL_BASE)?.[0];
}

/** From a panic's first line on, if there was one: the stack that follows may be long. */
function lastLines(text: string): string {
  const lines = text.trimEnd().split(/\r*\n/u);
  const shownFrom = Math.max(0, lines.length - CONSOLE_LINES_SHOWN);
  const panic = lines.findIndex((line) => line.includes(PANIC));
  const first = panic === -1 ? shownFrom : Math.min(panic, shownFrom);
  return lines.slice(first).join('\n');
}

/** Collects the end of the streams' output. */
function textTail(streams: readonly Readable[]): () => string {
  let text = '';
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-TAIL_CHARACTERS);
    });
  }
  return () => text;
}
