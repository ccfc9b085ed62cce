import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/**
 * A C program that does one round for each line it gets, and answers with the ns of the steps. So
 * this package and C can take turns, and a busy moment of the machine affects both.
 */
export class PeerProcess {
  readonly #path: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  #failure: Error | undefined;

  constructor(path: string, args: readonly string[]) {
    this.#path = path;
    this.#child = spawn(path, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.once('error', (error) => {
      this.#failure = error;
    });
    // An ended program takes no line: the missing answer shows that.
    this.#child.stdin.on('error', () => {});
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @throws {Error} when the program has ended, or never started */
  async round(order = ''): Promise<readonly number[]> {
    this.#child.stdin.write(`${order}\n`);
    const answer = await this.#answers.next();
    if (answer.done !== true) return answer.value.split(' ').map(Number);
    const how = this.#failure?.message ?? this.#child.exitCode ?? this.#child.signalCode;
    throw new Error(`Cannot go on with ${this.#path} as it ended: ${how}`, { cause: this.#failure });
  }

  /** Ends the program, which reads to the end of its input. */
  close(): void {
    this.#child.stdin.end();
  }
}
