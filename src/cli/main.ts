#!/usr/bin/env node
/** The command `dmabuf`. Exit status: 0, or 1 when a command failed, or 2 when it was used wrongly. */

import { readFileSync } from 'node:fs';

import { InvariantError } from '../base/assert.ts';
import { FAILED, SUCCEEDED, USED_WRONGLY, UsageError } from './command.ts';
import type { Command, ExitStatus } from './command.ts';
import { doctorCommand } from './doctor.ts';
import { heapsCommand } from './heaps.ts';
import { layoutCommand } from './layout.ts';
import { lsCommand } from './ls.ts';
import { formatTable } from './table.ts';
import { openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { vmapCommand } from './vmap.ts';

const COMMANDS: readonly Command[] = [vmapCommand, heapsCommand, lsCommand, layoutCommand, doctorCommand];

// Compiled, this file is dist/src/cli/main.js.
const PACKAGE_FILE = new URL('../../../package.json', import.meta.url);

function run(args: readonly string[], terminal: Terminal): ExitStatus | Promise<ExitStatus> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h') return printText(help(), terminal);
  if (name === '--version') return printText(`dmabuf ${readVersion()}`, terminal);
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw unknownCommand(name);
  if (rest.includes('--help') || rest.includes('-h')) return printText(command.help, terminal);
  return command.run(rest, terminal);
}

function unknownCommand(name: string | undefined): UsageError {
  const known = COMMANDS.map(({ name: command }) => command).join(', ');
  const what = name === undefined ? 'Cannot run without a command' : `Cannot run "${name}" as it is no command`;
  return new UsageError(`${what}: its commands are ${known}; see "dmabuf --help"`);
}

function help(): string {
  const rows = COMMANDS.map((command) => [`  dmabuf ${command.name}`, command.summary]);
  const [, ...commands] = formatTable(
    [
      { heading: '', align: 'left' },
      { heading: '', align: 'left' },
    ],
    rows,
  );
  return [
    'Usage: dmabuf COMMAND [ARGUMENT]...',
    '',
    'Zero-copy buffers on Linux: dma-bufs, scatter-gather tables, contiguous views.',
    '',
    ...commands,
    '',
    '"dmabuf COMMAND --help" tells what a command takes, "dmabuf --version" which',
    'version this is. Exit status: 0; 1 when a command failed; 2 for wrong usage.',
  ].join('\n');
}

function readVersion(): string {
  const description = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { readonly version: string };
  return description.version;
}

function printText(text: string, terminal: Terminal): ExitStatus {
  terminal.print(text);
  return SUCCEEDED;
}

/** What a user can do something about goes into one line. A broken invariant keeps its stack: it is a bug to report. */
function report(error: unknown): ExitStatus {
  if (!(error instanceof Error) || error instanceof InvariantError) throw error;
  process.stderr.write(`dmabuf: ${error.message.replaceAll(/\s*\n\s*/gu, ' ')}\n`);
  return error instanceof UsageError ? USED_WRONGLY : FAILED;
}

/** Whoever reads may stop reading, as `head` does: no error. Anything else, such as a full disk, is one. */
function endWhenOutputFails(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? SUCCEEDED : report(error));
  });
}

async function main(): Promise<void> {
  endWhenOutputFails(process.stdout);
  endWhenOutputFails(process.stderr);
  const terminal = openTerminal(process);
  try {
    process.exitCode = await run(process.argv.slice(2), terminal);
  } catch (error) {
    terminal.clearProgress();
    process.exitCode = report(error);
  }
}

await main();
