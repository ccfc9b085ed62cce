import { assert } from '../base/assert.ts';
import type { Order, Pfn } from '../base/quantities.ts';
import type { BuddyAllocator } from './buddy-allocator.ts';

/**
 * Blocks of pages, in the order in which a buffer uses them. Both arrays hold exactly `count`
 * values.
 */
export interface ChunkList {
  readonly count: number;
  /** The first page of each chunk. */
  readonly pfns: Uint32Array;
  /** Chunk n is 2^orders[n] pages long. */
  readonly orders: Uint8Array;
}

/**
 * Collects chunks in typed arrays that double as they fill: half a million chunks would make half a
 * million objects.
 */
export class ChunkListBuilder {
  #count = 0;
  #pfns: Uint32Array;
  #orders: Uint8Array;

  /** @param capacity how many chunks to expect; more fit */
  constructor(capacity: number) {
    assert(capacity >= 1, () => `A list must expect a chunk, not ${capacity}`);
    this.#pfns = new Uint32Array(capacity);
    this.#orders = new Uint8Array(capacity);
  }

  append(pfn: Pfn, order: Order): void {
    if (this.#count === this.#pfns.length) this.#grow();
    this.#pfns[this.#count] = pfn;
    this.#orders[this.#count] = order;
    this.#count += 1;
  }

  /**
   * The collected chunks, in arrays of exactly their number: the unused capacity is not kept alive.
   */
  toChunkList(): ChunkList {
    const count = this.#count;
    return { count, pfns: this.#pfns.slice(0, count), orders: this.#orders.slice(0, count) };
  }

  #grow(): void {
    const pfns = new Uint32Array(this.#pfns.length * 2);
    const orders = new Uint8Array(this.#orders.length * 2);
    pfns.set(this.#pfns);
    orders.set(this.#orders);
    this.#pfns = pfns;
    this.#orders = orders;
  }
}

/** Frees every chunk, the last first: the first chunk is then the first to be handed out again. */
export function freeChunks(allocator: BuddyAllocator, chunks: ChunkList): void {
  for (let index = chunks.count - 1; index >= 0; index -= 1) {
    allocator.free(chunks.pfns[index] as Pfn, chunks.orders[index] as Order);
  }
}
