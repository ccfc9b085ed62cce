import { onAbort } from '../base/abort.ts';

/** Runs asynchronous work one after another, in the order of the calls. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  /** Whether nothing runs, and nothing waits to. */
  get idle(): boolean {
    return this.#count === 0;
  }

  /** Runs `work` after what was asked for before. Aborted until then, it never runs, and the abort reason is thrown at once. */
  async take<Result>(work: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    signal?.throwIfAborted();
    const before = this.#last;
    const run = before.then(async () => {
      signal?.throwIfAborted();
      return await work();
    });
    const ended = (): void => {
      this.#count -= 1;
    };
    this.#count += 1;
    this.#last = run.then(ended, ended);
    return await new Promise((resolve, reject) => {
      // From its turn on, the work listens to the signal itself.
      void before.then(onAbort(signal, reject));
      run.then(resolve, reject);
    });
  }

  /** Resolves when all that was asked for so far has ended, well or not. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
