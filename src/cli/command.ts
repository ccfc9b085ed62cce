import type { CommandDescription } from './command-description.ts';
import type { Terminal } from './terminal.ts';

/** The exit status of a process that ran a command. */
export type ExitStatus = 0 | 1 | 2 | 70;
export const SUCCEEDED: ExitStatus = 0;
export const FAILED: ExitStatus = 1;
export const USED_WRONGLY: ExitStatus = 2;
/** A bug of this package. The number of EX_SOFTWARE (man 3 sysexits.h). */
export const BROKEN: ExitStatus = 70;

/** One command of the command line. */
export interface Command {
  readonly name: string;
  readonly description: CommandDescription;
  /** @throws {UsageError} for arguments that the command does not take */
  readonly run: (args: readonly string[], terminal: Terminal) => ExitStatus | Promise<ExitStatus>;
}

/** A command failed. The message gives the reason and the remedy. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}
