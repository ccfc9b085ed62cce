import { withCleanup } from '../base/cleanup.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BufferView } from '../heap/view.ts';
import { FreeRanges } from './free-ranges.ts';

/** A part of a chunk, in bytes. */
export interface ChunkPart {
  readonly offset: number;
  readonly length: number;
}

/** A buffer with its window, of which parts are handed out. */
export class SuballocatorChunk {
  readonly buffer: DmaBuf;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly #view: BufferView;
  readonly #granule: number;
  /** In granules. */
  readonly #free: FreeRanges;
  /** What lies behind it was never handed out, and is zero as the heap gave it. */
  #cleanFrom = 0;
  #closing = false;

  /** @param allocate gives the chunk's buffer, which is closed should mapping it fail */
  constructor(allocate: () => DmaBuf, granule: number) {
    const { buffer, view } = withCleanup((cleanup) => {
      const allocated = allocate();
      cleanup.defer(() => allocated.close());
      return { buffer: allocated, view: allocated.vmap() };
    });
    this.buffer = buffer;
    this.#view = view;
    this.bytes = view.bytes;
    this.#granule = granule;
    this.#free = new FreeRanges(Math.floor(buffer.length / granule));
  }

  get isIdle(): boolean {
    return this.#free.isWhole;
  }

  get freeLength(): number {
    return this.#free.freeLength * this.#granule;
  }

  get largestFree(): number {
    return this.#free.largest * this.#granule;
  }

  /** Whether parts may still be taken: not once its user has closed the buffer, or it is to go. */
  get isUsable(): boolean {
    return !this.#closing && !this.buffer.closed;
  }

  /** A part of whole granules, filled with zeros if asked. Undefined where none is large enough. */
  take(length: number, { alignment, zeroed }: { alignment: number; zeroed: boolean }): ChunkPart | undefined {
    const count = Math.ceil(length / this.#granule);
    const start = this.#free.take(count, Math.max(1, alignment / this.#granule));
    if (start === undefined) return undefined;
    const offset = start * this.#granule;
    const end = offset + count * this.#granule;
    if (zeroed && offset < this.#cleanFrom) this.bytes.fill(0, offset, Math.min(end, this.#cleanFrom));
    this.#cleanFrom = Math.max(this.#cleanFrom, end);
    return { offset, length: end - offset };
  }

  give({ offset, length }: ChunkPart): void {
    this.#free.give(offset / this.#granule, length / this.#granule);
  }

  /** Again: closes what the kernel refused to unmap the first time. */
  close(): void {
    this.#closing = true;
    this.#view.close();
    this.buffer.close();
  }
}
