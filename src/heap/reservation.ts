import type { AccessMode } from '../linux/cpu-access-maintenance.ts';
import type { Fence, WaitOptions } from './fence.ts';

/**
 * What a fence's work does with the buffer, in the kernel's order (enum dma_resv_usage, include/linux/dma-resv.h): `kernel`
 * moves its memory, `write` writes, `read` reads, `bookkeep` neither.
 */
export type FenceUsage = 'kernel' | 'write' | 'read' | 'bookkeep';

export const FENCE_USAGES: readonly FenceUsage[] = ['kernel', 'write', 'read', 'bookkeep'];

/** Which fences an access waits for: a reader for writers, a writer for everybody (dma_resv_usage_rw). */
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

  /** Adds a fence; the same fence may be there with several usages. Signaled fences are dropped on the way, as the kernel does. */
  add(fence: Fence, usage: FenceUsage): void {
    this.#entries = this.#entries.filter((entry) => !entry.fence.signaled);
    this.#entries.push({ fence, usage });
    fence.onSignal(this.#onChange);
    this.#onChange();
  }

  /** The fences of `usage` and of every stronger one, in the order added: a query for `read` gives kernel, write and read. */
  fences(usage: FenceUsage): Fence[] {
    const rank = FENCE_USAGES.indexOf(usage);
    return this.#entries.filter((entry) => FENCE_USAGES.indexOf(entry.usage) <= rank).map((entry) => entry.fence);
  }

  pendingCount(usage: FenceUsage): number {
    return this.fences(usage).filter((fence) => !fence.signaled).length;
  }

  /** Waits until no fence of `usage` or stronger is pending, those added meanwhile included. */
  async wait(usage: FenceUsage, options: WaitOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    for (;;) {
      const pending = this.fences(usage).find((fence) => !fence.signaled);
      if (pending === undefined) return;
      await pending.wait(options);
    }
  }
}
