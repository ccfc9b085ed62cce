import { onAbort } from './abort.ts';

/** Lets code of one thread sleep until something may have changed. */
export class ChangeSignal {
  readonly #waiting = new Set<() => void>();

  /** Wakes all sleepers, in the order in which they began. Each checks its own condition again. */
  wakeAll(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next {@link wakeAll}. Rejects with the abort reason. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        stopListening();
        resolve();
      };
      this.#waiting.add(wake);
      const stopListening = onAbort(signal, (reason) => {
        this.#waiting.delete(wake);
        reject(reason);
      });
    });
  }
}
