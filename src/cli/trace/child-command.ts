import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

import { CommandFailure } from '../command.ts';
import { formatName } from '../../base/printable-text.ts';

/** How long a command that was told to end may take, before it is ended. */
const GRACE_MS = 5000;

/** A command that a user gave, with its arguments. */
export class ChildCommand {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string | undefined>;

  /**
   * Starts it. What it prints goes to stderr, as stdout is for the report.
   *
   * @param onEnd called when it has ended, or could not be started
   */
  constructor([program = '', ...args]: readonly string[], onEnd: () => void) {
    this.#child = spawn(program, args, { stdio: ['inherit', process.stderr, 'inherit'] });
    this.#ended = endOf(this.#child, program).finally(onEnd);
    // Whoever waits for the end hears of it there.
    this.#ended.catch(() => {});
  }

  /** Asks it to end, and ends it if it does not. */
  terminate(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS).unref();
    this.#child.once('exit', () => clearTimeout(timer));
  }

  /**
   * @returns how it failed: a clause; undefined for success
   * @throws {CommandFailure} when it could not be started
   */
  async ended(): Promise<string | undefined> {
    return await this.#ended;
  }
}

async function endOf(child: ChildProcess, program: string): Promise<string | undefined> {
  return await new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'ENOENT' ? 'there is no such program' : `the kernel refuses with ${cause.code}`;
      reject(new CommandFailure(`Cannot run ${formatName(program)} as ${reason}`, { cause }));
    });
    child.once('exit', (status, signal) => {
      if (status === 0) resolve(undefined);
      else resolve(status === null ? `was ended by ${signal}` : `ended with status ${status}`);
    });
  });
}
