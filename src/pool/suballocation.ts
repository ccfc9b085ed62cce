import { inspect } from 'node:util';

import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { ChunkPart, SuballocatorChunk } from './suballocator-chunk.ts';

/** What an allocation is made of. */
interface Suballocated {
  readonly chunk: SuballocatorChunk;
  readonly part: ChunkPart;
  /** In bytes, as it was asked for. */
  readonly length: number;
  /** Gives the part back, and what follows from that. */
  readonly giveBack: (allocation: Suballocation) => void;
}

/**
 * A part of a chunk, from `allocate()` to `free()`. A device is given `buffer` and `offset`.
 *
 * An array kept from it shows the bytes of whoever has them next.
 */
export class Suballocation {
  /** In bytes, as it was asked for. */
  readonly length: number;
  /** In bytes, from the start of `buffer`. */
  readonly offset: number;
  readonly #allocated: Suballocated;
  #inUse = true;

  /** @internal */
  constructor(allocated: Suballocated) {
    this.length = allocated.length;
    this.offset = allocated.part.offset;
    this.#allocated = allocated;
    Object.freeze(this);
  }

  /**
   * The chunk that it lies in, with others. It is the allocator's to close.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once it was freed
   */
  get buffer(): DmaBuf {
    this.#checkInUse();
    return this.#allocated.chunk.buffer;
  }

  /**
   * Its bytes, and none of its neighbours'.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once it was freed
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    this.#checkInUse();
    return this.#allocated.chunk.bytes.subarray(this.offset, this.offset + this.length);
  }

  /** Whether it was not freed yet. */
  get inUse(): boolean {
    return this.#inUse;
  }

  /** Gives it back. Idempotent; `Suballocator.free` says when it was freed before. */
  free(): void {
    if (!this.#inUse) return;
    this.#inUse = false;
    this.#allocated.giveBack(this);
  }

  /** For `using`: frees. */
  [Symbol.dispose](): void {
    this.free();
  }

  /** Whether a value is one, whatever its class says. @internal */
  static isSuballocation(value: unknown): value is Suballocation {
    return typeof value === 'object' && value !== null && #allocated in value;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const state = this.#inUse ? 'in use' : 'freed';
    return `Suballocation { ${this.length} bytes at ${this.offset}, ${state} }`;
  }

  #checkInUse(): void {
    if (this.#inUse) return;
    throw new DmaBufError(`Cannot use ${this.length} bytes at ${this.offset} of a chunk after they were freed`, {
      code: 'ERR_DMABUF_CLOSED',
    });
  }
}
