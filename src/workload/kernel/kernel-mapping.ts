import { DmaBufError } from '../../base/errors.ts';
import type { BufferView } from '../../heap/view.ts';
import type { BufferLocks } from './buffer-locks.ts';

/**
 * What the kernel keeps of a buffer's contiguous mapping: `vmapping_counter` and `vmap_ptr` of
 * `struct dma_buf` (drivers/dma-buf/dma-buf.c, dma_buf_vmap and dma_buf_vunmap). The exporter maps
 * at the first of several users, and unmaps at the last.
 */
export class KernelMapping {
  readonly locks: BufferLocks;
  #view: BufferView | undefined;
  #count = 0;

  constructor(locks: BufferLocks) {
    this.locks = locks;
  }

  /** How many users it has. */
  get count(): number {
    return this.#count;
  }

  /**
   * @param map the exporter's function, called for the first user alone
   * @throws what `map` throws: nothing is counted then
   */
  take(map: () => BufferView): BufferView {
    this.#view ??= this.locks.exporter.holdSync(map);
    this.#count += 1;
    return this.#view;
  }

  /**
   * @returns whether that was the last user
   * @throws {DmaBufError} `EINVAL` where there is no user: the kernel counts on below zero
   */
  drop(): boolean {
    const view = this.#view;
    if (view === undefined) throw new DmaBufError('Cannot unmap a buffer that nobody has mapped', { code: 'EINVAL' });
    this.#count -= 1;
    if (this.#count > 0) return false;
    this.#view = undefined;
    this.locks.exporter.holdSync(() => view.close());
    return true;
  }
}
