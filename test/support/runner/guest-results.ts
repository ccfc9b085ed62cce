import type { TestMessage } from '../../../vm/test-runner.ts';

/** How one test in a guest ended. */
export interface GuestTest {
  readonly name: string;
  readonly error: string | undefined;
  readonly skip: string | undefined;
  readonly todo: string | undefined;
  readonly children: readonly GuestTest[];
}

/** Of a file that was run to its end. */
export interface FileEnd {
  /** By the guest's clock on the wall. */
  readonly seconds: number;
  /** The longest time without that a test began or ended, in seconds of a quiet machine. */
  readonly idleSeconds: number;
}

/** Puts together what a guest's test runner reports, line by line. */
export class GuestResults {
  readonly #files: readonly string[];
  /** For each file: the tests seen so far that belong to none yet, by nesting. */
  readonly #pending = new Map<string, GuestTest[][]>();
  readonly #ends = new Map<string, FileEnd>();
  #bootSeconds: number | undefined;
  readonly #slowdowns: number[] = [];

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  /** @param line of the runner; one that the end of the guest has cut off is ignored */
  add(line: string): void {
    const message = parseMessage(line);
    if (message === undefined) return;
    if (message.type === 'begin') this.#pending.set(message.file, []);
    if (message.type === 'end') this.#ends.set(message.file, message);
    if (message.type === 'heartbeat') this.#addHeartbeat(message);
    if (message.type === 'result') this.#addResult(message);
  }

  /** The tests of every file. One that was not run to its end has a failed test which says so. */
  byFile(): Map<string, GuestTest[]> {
    return new Map(
      this.#files.map((file) => {
        const tests = this.#pending.get(file)?.[0] ?? [];
        return [file, this.#ends.has(file) ? tests : [...tests, this.#unfinished(file)]];
      }),
    );
  }

  /** Files that were not run to their end. */
  unfinishedFiles(): string[] {
    return this.#files.filter((file) => !this.#ends.has(file));
  }

  /** How long a file took in the guest; undefined for one that was not run to its end. */
  end(file: string): FileEnd | undefined {
    return this.#ends.get(file);
  }

  /** How fast the guest was. */
  describePace(): string {
    if (this.#bootSeconds === undefined) return 'The guest did not begin with the tests';
    const sorted = this.#slowdowns.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    const [usual, worst] = [median, sorted.at(-1) ?? Number.NaN].map((slowdown) => slowdown.toFixed(1));
    return `The guest was up after ${this.#bootSeconds} s, and ${usual} times slower than on a quiet machine (at worst ${worst} times)`;
  }

  #addHeartbeat({ uptimeSeconds, slowdown }: TestMessage & { type: 'heartbeat' }): void {
    this.#bootSeconds ??= uptimeSeconds;
    this.#slowdowns.push(slowdown);
  }

  #addResult({ file, name, nesting, error, skip, todo }: TestMessage & { type: 'result' }): void {
    const pending = this.#pending.get(file) ?? [];
    const children = pending[nesting + 1] ?? [];
    pending[nesting + 1] = [];
    (pending[nesting] ??= []).push({ name, error, skip, todo, children });
    this.#pending.set(file, pending);
  }

  #unfinished(file: string): GuestTest {
    const error = this.#pending.has(file)
      ? `The guest ended while ${file} was running`
      : `The guest ended before ${file} was run`;
    return { name: `${file} is run to its end`, error, skip: undefined, todo: undefined, children: [] };
  }
}

function parseMessage(line: string): TestMessage | undefined {
  try {
    return JSON.parse(line) as TestMessage;
  } catch {
    return undefined;
  }
}
