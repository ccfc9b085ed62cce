import { onAbort, throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { wrongType } from '../../base/argument-error.ts';
import { checkString, readWaitOptions } from '../../base/check.ts';
import { runAllSteps } from '../../base/cleanup.ts';

/**
 * Work that is under way on a buffer and will end: the kernel's dma_fence
 * (include/linux/dma-fence.h). The code that starts work makes a fence, adds it to the buffer with
 * `DmaBuf.addFence`, and signals it when the work is done.
 *
 * @example
 * ```ts
 * import { KiB, openHeap } from 'dmabuf';
 * import { Fence } from 'dmabuf/importer';
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(64 * KiB);
 * const fence = new Fence('blit');
 * buffer.addFence(fence, 'write'); // work on the buffer begins
 * setTimeout(() => fence.signal(), 1);
 * await buffer.access('read', () => console.log(fence.signaled)); // true
 * buffer.close();
 * heap.close();
 * ```
 */
export class Fence {
  /** For messages. */
  readonly name: string;
  #signaled = false;
  #error: Error | undefined;
  readonly #callbacks = new Set<() => void>();

  /** @throws {TypeError} when the name is not a string */
  constructor(name = '') {
    this.name = checkString(name, { action: 'make a fence', name: 'name' });
  }

  /** Whether a value is a fence, regardless of its class. @internal */
  static isFence(value: unknown): value is Fence {
    return typeof value === 'object' && value !== null && #signaled in value;
  }

  /** The value of `signaled`, regardless of properties put on the fence. @internal */
  static isSignaled(fence: Fence): boolean {
    return fence.#signaled;
  }

  /** `onSignal`, regardless of properties put on the fence. @internal */
  static addCallback(fence: Fence, callback: () => void): (() => void) | undefined {
    if (fence.#signaled) return undefined;
    // A closure per call, so that a function added twice is called twice.
    const entry = (): void => callback();
    fence.#callbacks.add(entry);
    return () => fence.#callbacks.delete(entry);
  }

  /** `wait`, regardless of properties put on the fence. The options were read before. @internal */
  static async waitFor(fence: Fence, { signal }: WaitOptions): Promise<void> {
    if (fence.#signaled) return;
    throwIfAborted(signal);
    let takeBack: (() => void) | undefined;
    let stopListening = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        takeBack = Fence.addCallback(fence, resolve);
        stopListening = onAbort(signal, reject);
      });
    } finally {
      takeBack?.();
      stopListening();
    }
  }

  /** Whether the work is done, or has failed. */
  get signaled(): boolean {
    return this.#signaled;
  }

  /** The error of the work. Undefined until signaled, and for successful work. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Signals that the work has ended, with `error` if it failed. Waiters continue in either case,
   * and check `error`.
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
   * @returns a function that removes the callback; undefined if the fence is already signaled, and
   *   then the callback is never called (dma_fence_add_callback's -ENOENT)
   * @throws {TypeError} when it is not a function
   */
  onSignal(callback: () => void): (() => void) | undefined {
    if (typeof callback !== 'function')
      throw wrongType(
        { action: 'add a callback to the fence', name: 'callback' },
        { must: 'be a function', received: callback },
      );
    return Fence.addCallback(this, callback);
  }

  /** Resolves when signaled. Rejects with the abort reason when `signal` aborts first. */
  async wait(options: WaitOptions = {}): Promise<void> {
    await Fence.waitFor(this, readWaitOptions(options, 'wait for the fence'));
  }
}

/** Refuses a value that is not a fence. */
export function checkFence(value: unknown): Fence {
  if (Fence.isFence(value)) return value;
  throw wrongType({ action: 'add the fence', name: 'fence' }, { must: 'be made by new Fence()', received: value });
}
