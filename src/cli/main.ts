#!/usr/bin/env node
/** The command `dmabuf`. */

import { debuglog } from 'node:util';

import { isDmaBufError } from '../base/errors.ts';
import { BROKEN, CommandFailure, FAILED, SUCCEEDED, USED_WRONGLY } from './command.ts';
import type { ExitStatus } from './command.ts';
import { UsageError } from './parse-arguments.ts';
import { escapeUnprintable } from '../base/printable-text.ts';
import { openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Every error takes one line. The line of a bug says how to see more. */
function report(error: unknown, terminal: Terminal): ExitStatus {
  if (error instanceof UsageError) return printFailure(error, USED_WRONGLY, terminal);
  if (isExpected(error)) return printFailure(error, FAILED, terminal);
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const debug = debuglog('dmabuf').enabled;
  const how = debug ? 'please report it with what follows' : 'please report it with what NODE_DEBUG=dmabuf adds to it';
  terminal.printError(`dmabuf: ${toLine(`This is a bug, ${how}: ${what}`)}`);
  if (debug && error instanceof Error) terminal.printError(error.stack ?? '(no stack)');
  return BROKEN;
}

/** Errors that a user can act on: refusals of the command, of the library and of files. */
function isExpected(error: unknown): error is Error {
  return error instanceof CommandFailure || isDmaBufError(error) || isFileError(error);
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'syscall' in error;
}

function printFailure({ message }: Error, status: ExitStatus, terminal: Terminal): ExitStatus {
  terminal.printError(`dmabuf: ${toLine(message)}`);
  return status;
}

function toLine(text: string): string {
  return escapeUnprintable(text.replaceAll(/\s*\n\s*/gu, ' '));
}

/**
 * The reader of the output may stop reading, as `head` does: that is no error. Anything else, such
 * as a full disk, is one.
 */
function endWhenOutputFails(stream: NodeJS.WriteStream, terminal: Terminal): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? (process.exitCode ?? SUCCEEDED) : report(error, terminal));
  });
}

async function main(): Promise<void> {
  const terminal = openTerminal(process);
  endWhenOutputFails(process.stdout, terminal);
  endWhenOutputFails(process.stderr, terminal);
  const fail = (error: unknown): void => {
    terminal.clearProgress();
    process.exitCode = report(error, terminal);
  };
  // Errors that no command awaits: Node would print their stack.
  process.on('uncaughtException', (error) => {
    fail(error);
    process.exit();
  });
  try {
    // Loaded only here: if a part is missing, such as the addon for this processor, the error must
    // take one line as well.
    const { runProgram } = await import('./program.ts');
    process.exitCode = await runProgram(process.argv.slice(2), terminal);
  } catch (error) {
    fail(error);
  }
}

await main();
