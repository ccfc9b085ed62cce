import { onAbort, throwIfAborted } from '../../base/abort.ts';

/** Runs asynchronous work one after another, in the order of the calls. */
export class AsyncQueue {
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  /** Whether no work runs or waits. */
  get idle(): boolean {
    return this.#count === 0;
  }

  /**
   * Runs `work` after all earlier work. If it is aborted before its turn, it never runs, and the
   * abort reason is thrown at once.
   */
  async take<Result>(work: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    throwIfAborted(signal);
    const before = this.#last;
    const run = before.then(async () => {
      throwIfAborted(signal);
      return await work();
    });
    const ended = (): void => {
      this.#count -= 1;
    };
    this.#count += 1;
    this.#last = run.then(ended, ended);
    return await new Promise((resolve, reject) => {
      // From its turn on, the work itself listens to the signal.
      void before.then(onAbort(signal, reject));
      run.then(resolve, reject);
    });
  }

  /** Resolves when all work so far has ended, successfully or not. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
