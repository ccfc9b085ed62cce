import { throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import type { AccessMode } from '../../linux/calls/cpu-access-maintenance.ts';
import { Fence } from './fence.ts';

/**
 * What a fence's work does with the buffer, in the kernel's order (enum dma_resv_usage,
 * include/linux/dma-resv.h): `kernel` moves its memory, `write` writes, `read` reads, `bookkeep`
 * does neither.
 */
export type FenceUsage = 'kernel' | 'write' | 'read' | 'bookkeep';

export const FENCE_USAGES: readonly FenceUsage[] = ['kernel', 'write', 'read', 'bookkeep'];

/**
 * The fences that an access waits for: a reader waits for writers, a writer for readers and writers
 * (dma_resv_usage_rw).
 */
export function usageToWaitFor(mode: AccessMode): FenceUsage {
  return mode === 'read' ? 'write' : 'read';
}

interface Entry {
  readonly fence: Fence;
  readonly usage: FenceUsage;
}

/** The fences of one buffer: struct dma_resv (drivers/dma-buf/dma-resv.c). */
export class Reservation {
  #entries: Entry[] = [];
  readonly #onChange: () => void;

  /** @param onChange called when a fence was added or signaled */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /**
   * Adds a fence. The same fence may be added with several usages. Drops signaled fences, as the
   * kernel does.
   */
  add(fence: Fence, usage: FenceUsage): void {
    this.#entries = this.#entries.filter((entry) => !Fence.isSignaled(entry.fence));
    this.#entries.push({ fence, usage });
    Fence.addCallback(fence, this.#onChange);
    this.#onChange();
  }

  /**
   * The fences of `usage` and of every stronger one, in the order added: a query for `read` gives
   * kernel, write and read.
   */
  fences(usage: FenceUsage): Fence[] {
    const rank = FENCE_USAGES.indexOf(usage);
    return this.#entries.filter((entry) => FENCE_USAGES.indexOf(entry.usage) <= rank).map((entry) => entry.fence);
  }

  pendingCount(usage: FenceUsage): number {
    if (this.#entries.length === 0) return 0;
    return this.fences(usage).filter((fence) => !Fence.isSignaled(fence)).length;
  }

  /**
   * Waits until no fence of `usage` or stronger is pending, including fences added meanwhile. The
   * options were read before.
   */
  async wait(usage: FenceUsage, options: WaitOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    for (;;) {
      const pending = this.fences(usage).find((fence) => !Fence.isSignaled(fence));
      if (pending === undefined) return;
      await Fence.waitFor(pending, options);
    }
  }
}
