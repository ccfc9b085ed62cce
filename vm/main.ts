/** `npm run vm`: a guest for one command, or for an interactive shell. */

import { constants } from 'node:os';

import { HELP_TEXT, parseArguments, UsageError } from './arguments.ts';
import type { GuestArguments } from './arguments.ts';
import { GuestError } from './guest-error.ts';
import { runGuest } from './guest.ts';
import { missingRequirement } from './requirements.ts';

const EXIT_USAGE = 2;
/** What `timeout` and others exit with when it is not the command that failed. */
const EXIT_NO_GUEST = 125;
/** A shell reports a signal as 128 and its number. */
const SIGNAL_BASE = 128;
const PARENT_CHECK_MS = 500;
const SHELL = ['sh', '-l'];

async function main(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(words);
  if (parsed.isHelp) {
    process.stdout.write(HELP_TEXT);
    return 0;
  }
  const missing = missingRequirement(parsed.architecture);
  if (missing !== undefined) throw new GuestError(`Cannot boot a guest: ${missing}`);
  return parsed.command.length > 0 ? await runCommand(parsed) : await runShell(parsed);
}

async function runCommand(parsed: GuestArguments): Promise<number> {
  const { stdout, stderr } = process;
  return await runGuest({ ...parsed, stdout, stderr, signal: endBySignals() });
}

async function runShell(parsed: GuestArguments): Promise<number> {
  const { stdin, stdout, stderr } = process;
  if (!stdin.isTTY || !stdout.isTTY) throw new UsageError('Cannot give a shell as this is no terminal: name a COMMAND');
  const terminalSize = { rowCount: stdout.rows, columnCount: stdout.columns };
  stdin.setRawMode(true);
  try {
    const command = SHELL;
    return await runGuest({ ...parsed, command, terminalSize, input: stdin, stdout, stderr, signal: endBySignals() });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

/** A signal to this process, or to npm above it, ends the guest, and then this process with the status of that signal. */
function endBySignals(): AbortSignal {
  const controller = new AbortController();
  const endBy = (name: 'SIGHUP' | 'SIGINT' | 'SIGPIPE' | 'SIGTERM'): void => {
    process.exitCode = SIGNAL_BASE + constants.signals[name];
    controller.abort();
  };
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => endBy(name));
  if (process.env['npm_lifecycle_event'] !== undefined) watchParent(() => endBy('SIGTERM'));
  // Whoever read the output went away.
  process.stdout.on('error', () => endBy('SIGPIPE'));
  return controller.signal;
}

/** A signal to npm reaches its shell, which dies of it and passes nothing on. */
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
