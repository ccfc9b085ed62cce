import type { TestMessage } from '../../vm/test-runner.ts';

/** How one test in a guest ended. */
export interface GuestTest {
  readonly name: string;
  readonly error: string | undefined;
  readonly skip: string | undefined;
  readonly todo: string | undefined;
  readonly children: readonly GuestTest[];
}

/** Puts together what a guest's test runner reports, line by line. */
export class GuestResults {
  readonly #files: readonly string[];
  /** For each file: the tests seen so far that belong to none yet, by nesting. */
  readonly #pending = new Map<string, GuestTest[][]>();
  readonly #seconds = new Map<string, number>();

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  add(line: string): void {
    const message = JSON.parse(line) as TestMessage;
    if (message.type === 'begin') this.#pending.set(message.file, []);
    if (message.type === 'end') this.#seconds.set(message.file, message.seconds);
    if (message.type === 'result') this.#addResult(message);
  }

  /** The tests of every file. One that was not run to its end has a failed test which says so. */
  byFile(): Map<string, GuestTest[]> {
    return new Map(
      this.#files.map((file) => {
        const tests = this.#pending.get(file)?.[0] ?? [];
        return [file, this.#seconds.has(file) ? tests : [...tests, this.#unfinished(file)]];
      }),
    );
  }

  /** How long a file took in the guest. */
  seconds(file: string): number | undefined {
    return this.#seconds.get(file);
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
