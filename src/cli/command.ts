import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

import type { Terminal } from './terminal.ts';

/** What a process that ran a command ends with. */
export type ExitStatus = 0 | 1 | 2;
export const SUCCEEDED: ExitStatus = 0;
export const FAILED: ExitStatus = 1;
export const USED_WRONGLY: ExitStatus = 2;

/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The answer to `--help`. */
  readonly help: string;
  /** @throws {UsageError} for arguments that are none */
  readonly run: (args: readonly string[], terminal: Terminal) => ExitStatus | Promise<ExitStatus>;
}

/** The command line cannot be understood. The message says what would be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** What {@link parseArguments} read. */
interface ParsedArguments {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} for an option that the command does not have, or one without its value
 */
export function parseArguments(command: string, args: readonly string[], options: Options): ParsedArguments {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as ParsedArguments['values'], positionals };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // What Node adds after the first sentence is of no use here.
    const [sentence] = error.message.split(/\.\s|\n/u);
    throw new UsageError(`${sentence}: see "${command} --help"`, { cause: error });
  }
}

/** @throws {UsageError} when there are more than `max` */
export function checkPositionalCount(command: string, positionals: readonly string[], max: number): void {
  const surplus = positionals[max];
  if (surplus === undefined) return;
  throw new UsageError(`Cannot use "${surplus}" as ${command} takes no such argument: see "${command} --help"`);
}
