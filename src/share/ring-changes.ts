import { onAbort } from '../base/abort.ts';

/** Lets code of one thread sleep until something may have changed. */
export class RingChanges {
  readonly #waiting = new Set<() => void>();

  /** Wakes everybody who sleeps now: each looks whether it is what they wait for. */
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
