import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import { importBuffer } from '../backend/import-buffer.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BufferView } from '../heap/view.ts';
import { SystemCalls } from '../linux/system-calls.ts';
import { RingArea, ringAreaBytes } from './ring-area.ts';
import type { RingShape } from './ring-area.ts';

/** The buffer with a consumer's area, mapped in this process. */
export class RingAreaMemory {
  readonly area: RingArea;
  readonly buffer: DmaBuf;
  readonly #view: BufferView;

  /** Takes the buffer over, once nothing can fail any more. */
  constructor(buffer: DmaBuf, shape: RingShape) {
    this.buffer = buffer;
    this.#view = buffer.vmap({ populate: true });
    this.area = new RingArea(this.#view.bytes, shape);
  }

  /** From now on every word reads 0, and writing one changes nothing. */
  close(): void {
    runAllSteps([() => this.#view.close(), () => this.buffer.close()], 'The area of a frame ring could not be closed');
  }
}

/** A new area: a memfd, whatever the frames are, since Atomics want memory that the CPU caches. */
export function createRingArea(shape: RingShape): RingAreaMemory {
  const calls = new SystemCalls();
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
