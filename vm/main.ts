/** `npm run vm`: a guest for one command, or for an interactive shell. */

import { constants } from 'node:os';

import { chooseAccelerator, describeAccelerator } from './accelerator.ts';
import { formatHelp } from '../src/cli/help-text.ts';
import { UsageError } from '../src/cli/parse-arguments.ts';
import { openTerminal } from '../src/cli/terminal.ts';
import { parseArguments, VM_DESCRIPTION } from './arguments.ts';
import type { GuestArguments } from './arguments.ts';
import type { Accelerator } from './emulator.ts';
import { GuestError } from './guest-error.ts';
import { additionsForGuest } from './guest-additions.ts';
import { runGuest } from './guest.ts';
import { missingRequirement } from './requirements.ts';

const EXIT_USAGE = 2;
/** The exit status of `timeout` and others when the failure is not the command's. */
const EXIT_NO_GUEST = 125;
/** A shell reports a signal as 128 plus its number. */
const SIGNAL_BASE = 128;
const PARENT_CHECK_MS = 500;
const SHELL = ['sh', '-l'];

async function main(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(words);
  if (parsed.isHelp) {
    const terminal = openTerminal(process);
    for (const line of formatHelp(VM_DESCRIPTION, terminal.columns)) terminal.print(line);
    return 0;
  }
  const missing = missingRequirement(parsed.architecture);
  if (missing !== undefined) throw new GuestError(`Cannot boot a guest: ${missing}`);
  const isShell = parsed.command.length === 0;
  if (isShell && (!process.stdin.isTTY || !process.stdout.isTTY)) {
    throw new UsageError('Cannot give a shell as this is no terminal: name a COMMAND');
  }
  const signal = endBySignals();
  const choice = await chooseAccelerator(parsed, parsed.accelerator, signal);
  process.stderr.write(`vm: ${describeAccelerator(choice)}\n`);
  const additions = additionsForGuest(parsed.architecture);
  const guest = {
    ...parsed,
    accelerator: choice.accelerator,
    signal,
    files: [...additions.files, ...parsed.files],
    environment: additions.environment,
  };
  return isShell ? await runShell(guest) : await runCommand(guest);
}

/** The command line, and the choices made for it. */
type ChosenGuest = GuestArguments & { readonly accelerator: Accelerator; readonly signal: AbortSignal };

async function runCommand(guest: ChosenGuest): Promise<number> {
  const { stdout, stderr } = process;
  return await runGuest({ ...guest, stdout, stderr });
}

async function runShell(guest: ChosenGuest): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const terminalSize = { rowCount: stdout.rows, columnCount: stdout.columns };
  stdin.setRawMode(true);
  try {
    const command = SHELL;
    return await runGuest({ ...guest, command, terminalSize, input: stdin, stdout, stderr });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

/**
 * A signal to this process, or to npm above it, ends the guest, and then this process with the
 * status of that signal.
 */
function endBySignals(): AbortSignal {
  const controller = new AbortController();
  const endBy = (name: 'SIGHUP' | 'SIGINT' | 'SIGPIPE' | 'SIGTERM'): void => {
    process.exitCode = SIGNAL_BASE + constants.signals[name];
    controller.abort();
  };
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => endBy(name));
  if (process.env['npm_lifecycle_event'] !== undefined) watchParent(() => endBy('SIGTERM'));
  // The reader of the output has gone.
  process.stdout.on('error', () => endBy('SIGPIPE'));
  return controller.signal;
}

/** A signal to npm reaches its shell, which dies of it without passing it on. */
function watchParent(onEnd: () => void): void {
  const parent = process.ppid;
  const check = (): void => {
    if (process.ppid !== parent) onEnd();
  };
  setInterval(check, PARENT_CHECK_MS).unref();
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof GuestError) && !(error instanceof UsageError)) throw error;
  const isInterrupted = process.exitCode !== undefined;
  if (!isInterrupted) process.stderr.write(`${error.message}\n`);
  process.exitCode ??= error instanceof UsageError ? EXIT_USAGE : EXIT_NO_GUEST;
}
