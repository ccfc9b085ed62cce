import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../../base/quantities.ts';
import { importBuffer } from '../../backend/fd-buffer/import-buffer.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { RingArea, ringAreaBytes } from './ring-area.ts';
import type { RingShape } from './ring-area.ts';

/** The buffer with a consumer's area, mapped in this process. */
export class RingAreaMemory {
  readonly area: RingArea;
  readonly buffer: DmaBuf;
  readonly #view: BufferView;

  /** Takes ownership of the buffer, once nothing can fail any more. */
  constructor(buffer: DmaBuf, shape: RingShape) {
    this.buffer = buffer;
    this.#view = buffer.vmap({ populate: true });
    this.area = new RingArea(this.#view.bytes, shape);
  }

  /** From now on every word reads 0, and a write changes nothing. */
  close(): void {
    runAllSteps([() => this.#view.close(), () => this.buffer.close()], 'The area of a frame ring could not be closed');
  }
}

/**
 * A new area: always a memfd, for any kind of frames, because Atomics need memory that the CPU
 * caches.
 */
export function createRingArea(shape: RingShape): RingAreaMemory {
  const calls = new MemoryCalls();
  const pageSize = calls.pageSize();
  const length = bytesOfPages(pagesCoveringBytes(toByteLength(ringAreaBytes(shape)), pageSize), pageSize);
  return withCleanup((cleanup) => {
    const memfd = calls.createSealedMemfd('dmabuf-ring', length);
    cleanup.defer(() => memfd.close());
    const buffer = importBuffer(memfd);
    cleanup.defer(() => buffer.close());
    const memory = new RingAreaMemory(buffer, shape);
    memfd.close();
    return memory;
  });
}
