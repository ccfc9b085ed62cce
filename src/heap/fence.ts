import { runAllSteps } from '../base/cleanup.ts';
import { onAbort } from '../base/abort.ts';

/** What a wait may be given up by. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Work that is under way on a buffer and will end: what the kernel calls a dma_fence (include/linux/dma-fence.h). Whoever
 * starts work makes one, adds it to the buffer with {@link DmaBuf.addFence}, and signals it when the work is done.
 */
export class Fence {
  readonly name: string;
  #signaled = false;
  #error: Error | undefined;
  readonly #callbacks = new Set<() => void>();

  constructor(name = '') {
    this.name = name;
  }

  get signaled(): boolean {
    return this.#signaled;
  }

  /** What went wrong with the work. Undefined until signaled, and when nothing did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * The work has ended, with `error` if it failed. Waiters go on either way, and look at {@link error}.
   *
   * @returns false when it was signaled before: then nothing changes (dma_fence_signal's -EINVAL)
   */
  signal(error?: Error): boolean {
    if (this.#signaled) return false;
    this.#signaled = true;
    this.#error = error;
    const callbacks = [...this.#callbacks];
    this.#callbacks.clear();
    runAllSteps(callbacks, 'Several callbacks of the fence failed');
    return true;
  }

  /**
   * Calls `callback` once, when signaled.
   *
   * @returns a function that takes the callback back; undefined, and no call ever, when it is signaled already
   *   (dma_fence_add_callback's -ENOENT)
   */
  onSignal(callback: () => void): (() => void) | undefined {
    if (this.#signaled) return undefined;
    // A closure of our own, so that one function added twice is called twice.
    const entry = (): void => callback();
    this.#callbacks.add(entry);
    return () => this.#callbacks.delete(entry);
  }

  /** Resolves when signaled. Rejects with the abort reason when `signal` aborts first. */
  async wait(options: WaitOptions = {}): Promise<void> {
    if (this.#signaled) return;
    options.signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const takeBack = this.onSignal(() => {
        stopListening();
        resolve();
      });
      const stopListening = onAbort(options.signal, (reason) => {
        takeBack?.();
        reject(reason);
      });
    });
  }
}

/** Refuses a value that is no fence. */
export function checkFence(value: unknown): Fence {
  if (!(value instanceof Fence)) throw new TypeError('Cannot add the fence as it must be made by new Fence()');
  return value;
}
