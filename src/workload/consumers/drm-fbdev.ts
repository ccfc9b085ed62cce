import type { Rectangle } from '../../base/rectangle.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

/**
 * The console on a screen: drivers/gpu/drm/drm_fbdev_*.c, drm_client_buffer_vmap. It maps its own
 * buffer once, with `vmap`, and never a dma-buf: no call of `dma_buf_vmap` comes from here.
 *
 * Left out: deferred writes, which go through a shadow in plain memory.
 */
export class DrmFbdevConsole {
  readonly #buffer: DmaBuf;
  readonly #view: BufferView;
  readonly #strideBytes: number;

  constructor(kernel: KernelFunctions, heap: Heap, size: { readonly strideBytes: number; readonly height: number }) {
    this.#strideBytes = size.strideBytes;
    this.#buffer = kernel.allocate(heap, size.strideBytes * size.height, 'fbdev');
    try {
      this.#view = kernel.vmapPages(this.#buffer, { offset: 0, length: this.#buffer.length });
    } catch (error) {
      this.#buffer.close();
      throw error;
    }
  }

  /** Fills a rectangle: x and width are bytes of a row. */
  fillRectangle({ x, y, width, height }: Rectangle, byte: number): void {
    for (let row = y; row < y + height; row += 1) this.#view.subarray(row * this.#strideBytes + x, width).fill(byte);
  }

  close(): void {
    this.#view.close();
    this.#buffer.close();
  }
}
