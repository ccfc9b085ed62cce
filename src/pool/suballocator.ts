import { inspect } from 'node:util';

import { outOfRange, wrongType, wrongValue } from '../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../base/check.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { PAGE_SIZE_DEFAULT, WINDOW_BYTES_MAX } from '../base/limits.ts';
import { formatSize, KiB, MiB } from '../base/sizes.ts';
import { checkBufferName } from '../heap/buffer-name.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { Heap } from '../heap/heap.ts';
import { checkShareable } from '../heap/shareable.ts';
import type { Shareable } from '../heap/shareable.ts';
import { Suballocation } from './suballocation.ts';
import { SuballocatorChunk } from './suballocator-chunk.ts';
import type { ChunkPart } from './suballocator-chunk.ts';

/** Options of {@link createSuballocator}. */
export interface SuballocatorOptions {
  /** Bytes a chunk; one that a larger allocation needs is as large as that. Default: 4 MiB. */
  readonly chunkLength?: number | undefined;
  /** Bytes of all chunks together, at most. Default: 256 MiB. */
  readonly lengthMax?: number | undefined;
  /**
   * What allocations begin at multiples of, and take whole numbers of, in bytes: a power of two
   * from 16 to 64 KiB. Smaller than a cache line, neighbours share lines, which a device without
   * coherent caches must not meet. Default: 4 KiB.
   */
  readonly granule?: number | undefined;
  /** Whether allocations are handed out as zeros. Default: true. */
  readonly zeroed?: boolean | undefined;
  /** Chunks without allocations that are kept for the next ones. Default: 1. */
  readonly idleChunksMax?: number | undefined;
  /** At most 31 bytes with the chunk's number behind it: `commands` names `commands0`, … */
  readonly name?: string | undefined;
  /** As of `heap.allocate`. Default: the heap's. */
  readonly shareable?: Shareable | undefined;
}

/** What a suballocator has, in bytes where nothing else is said. */
export interface SuballocatorStats {
  /** How many buffers of the heap it holds. */
  readonly chunkCount: number;
  /** Of all chunks. */
  readonly length: number;
  /** Of all allocations, in whole granules. */
  readonly usedLength: number;
  /** The most that {@link usedLength} ever was. */
  readonly usedLengthPeak: number;
  /** How many allocations are held. */
  readonly allocationCount: number;
  /** The largest allocation for which no chunk is needed. */
  readonly largestFree: number;
  /** How often a chunk was allocated. */
  readonly grownCount: number;
  /** How often a chunk went back to the heap. */
  readonly releasedCount: number;
}

/** Options that were checked. */
type CheckedSuballocator = SuballocatorOptions & {
  readonly chunkLength: number;
  readonly lengthMax: number;
  readonly granule: number;
  readonly zeroed: boolean;
  readonly idleChunksMax: number;
};

const ACTION = 'make a suballocator';
const ALLOCATE = 'allocate from the suballocator';
const GRANULE_MIN = 16;
const GRANULE_MAX = 64 * KiB;
const LENGTH_MAX_DEFAULT = 256 * MiB;
const CHUNK_LENGTH_DEFAULT = 4 * MiB;
const IDLE_CHUNKS_MAX = 4096;

/**
 * Many small allocations out of few large buffers, which are mapped for as long as they are used:
 * command buffers of a device, descriptors, small tensors. The kernel's drivers have genalloc and
 * drm_suballoc for it.
 *
 * What was written through `bytes` is brought to a device by an access to `buffer`, as ever.
 */
export class Suballocator {
  readonly #heap: Heap;
  readonly #options: CheckedSuballocator;
  /** The oldest first: later ones run empty, and go back. */
  #chunks: SuballocatorChunk[] = [];
  readonly #allocations = new Set<Suballocation>();
  #usedLength = 0;
  #usedLengthPeak = 0;
  #grownCount = 0;
  #releasedCount = 0;
  #closed = false;

  /** @internal */
  constructor(heap: Heap, options: CheckedSuballocator) {
    this.#heap = heap;
    this.#options = options;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Allocates from the first chunk that has room, or from a new one.
   *
   * @param length in bytes
   * @param options `alignment`: of the offset in the buffer, in bytes; a power of two. Where the
   *   buffer itself lies for a device is known to a page. Default: the granule
   * @throws {TypeError | RangeError} for a length or an option that is none
   * @throws {DmaBufError} `ENOMEM` when the chunks would be more than `lengthMax`;
   *   `ERR_DMABUF_CLOSED` after `close()`; what `allocate` and `vmap` throw
   */
  allocate(length: number, options: { readonly alignment?: number | undefined } = {}): Suballocation {
    const { granule, lengthMax, zeroed } = this.#options;
    const { alignment = granule } = readOptions(options, ALLOCATE, ['alignment']);
    const max = Math.min(lengthMax, WINDOW_BYTES_MAX);
    checkInteger(length, { action: ALLOCATE, name: 'length', min: 1, max, unit: 'bytes' });
    checkPowerOfTwo(alignment, { action: ALLOCATE, name: 'alignment', min: 1, max });
    this.#checkOpen();
    const wish = { alignment, zeroed };
    for (const chunk of this.#chunks) {
      const part = chunk.isUsable ? chunk.take(length, wish) : undefined;
      if (part !== undefined) return this.#handOut(chunk, part, length);
    }
    const chunk = this.#grow(length);
    return this.#handOut(chunk, chunk.take(length, wish) as ChunkPart, length);
  }

  /**
   * Gives an allocation back.
   *
   * @throws {TypeError} for what is none, or another suballocator's
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it was freed before
   */
  free(allocation: Suballocation): void {
    const argument = { action: 'free the allocation', name: 'allocation' };
    if (!Suballocation.isSuballocation(allocation))
      throw wrongType(argument, { must: 'be what allocate() gives', received: allocation });
    if (this.#allocations.has(allocation)) return Suballocation.prototype.free.call(allocation);
    if (allocation.inUse) throw wrongValue(argument, { must: 'be of this suballocator', received: allocation });
    throw new DmaBufError('Cannot free the allocation as it was freed before', { code: 'ERR_DMABUF_CLOSED' });
  }

  /**
   * Gives chunks without allocations back to the heap, also those that are kept for the next ones.
   *
   * @returns how many bytes that were
   */
  trim(): number {
    return this.#release(this.#chunks.filter(({ isIdle }) => isIdle));
  }

  /** What there is now. */
  stats(): SuballocatorStats {
    const usable = this.#chunks.filter(({ isUsable }) => isUsable);
    return Object.freeze({
      chunkCount: this.#chunks.length,
      length: this.#length,
      usedLength: this.#usedLength,
      usedLengthPeak: this.#usedLengthPeak,
      allocationCount: this.#allocations.size,
      largestFree: usable.reduce((largest, chunk) => Math.max(largest, chunk.largestFree), 0),
      grownCount: this.#grownCount,
      releasedCount: this.#releasedCount,
    });
  }

  /**
   * Closes the chunks without allocations now, and the others when their last one is freed. Again:
   * closes those that the kernel refused to unmap the first time.
   */
  close(): void {
    this.#closed = true;
    this.trim();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const used = `${formatSize(this.#usedLength)} of ${formatSize(this.#length)} used`;
    return `Suballocator { ${this.#chunks.length} chunks, ${used}, ${this.#allocations.size} allocations, ${this.#closed ? 'closed' : 'open'} }`;
  }

  get #length(): number {
    return this.#chunks.reduce((sum, { buffer }) => sum + buffer.length, 0);
  }

  #handOut(chunk: SuballocatorChunk, part: ChunkPart, length: number): Suballocation {
    const giveBack = (given: Suballocation): void => {
      this.#allocations.delete(given);
      this.#usedLength -= part.length;
      chunk.give(part);
      if (chunk.isIdle) this.#release(this.#superfluous());
    };
    const allocation = new Suballocation({ chunk, part, length, giveBack });
    this.#allocations.add(allocation);
    this.#usedLength += part.length;
    this.#usedLengthPeak = Math.max(this.#usedLengthPeak, this.#usedLength);
    return allocation;
  }

  #grow(length: number): SuballocatorChunk {
    const { chunkLength, lengthMax, granule, name = '', shareable } = this.#options;
    const needed = Math.max(chunkLength, Math.ceil(length / granule) * granule);
    // Idle chunks that are too small for it make room.
    if (this.#length + needed > lengthMax) this.trim();
    if (this.#length + needed > lengthMax) throw this.#exhausted(length);
    // By the class's own method: another one of that name may have been put on the heap.
    const allocate = (): DmaBuf =>
      Heap.prototype.allocate.call(this.#heap, needed, {
        name: name === '' ? '' : `${name}${this.#grownCount}`,
        shareable,
      });
    const chunk = new SuballocatorChunk(allocate, granule);
    this.#chunks.push(chunk);
    this.#grownCount += 1;
    return chunk;
  }

  #exhausted(length: number): DmaBufError {
    const { lengthMax } = this.#options;
    return new DmaBufError(
      `Cannot allocate ${formatSize(length)} as the chunks have ${formatSize(this.#length)} of the ` +
        `${formatSize(lengthMax)} that they may: free allocations, or make the suballocator with a larger lengthMax`,
      { code: 'ENOMEM', values: { length, chunkLength: this.#length, lengthMax } },
    );
  }

  /** Idle chunks beyond those that are kept, the largest first. */
  #superfluous(): SuballocatorChunk[] {
    const idle = this.#chunks.filter(({ isIdle }) => isIdle);
    if (this.#closed) return idle;
    const useless = idle.filter(({ isUsable }) => !isUsable);
    const usable = idle.filter(({ isUsable }) => isUsable);
    const bySize = usable.toSorted((left, right) => right.buffer.length - left.buffer.length);
    return [...useless, ...bySize.slice(0, Math.max(0, usable.length - this.#options.idleChunksMax))];
  }

  #release(chunks: readonly SuballocatorChunk[]): number {
    let released = 0;
    const steps = chunks.map((chunk) => () => {
      chunk.close();
      released += chunk.buffer.length;
      this.#releasedCount += 1;
      this.#chunks = this.#chunks.filter((other) => other !== chunk);
    });
    runAllSteps(steps, 'Several chunks of the suballocator could not be closed');
    return released;
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new DmaBufError('Cannot allocate from a suballocator after it was closed', { code: 'ERR_DMABUF_CLOSED' });
  }
}

function checkPowerOfTwo(value: unknown, argument: { action: string; name: string; min: number; max: number }): number {
  const number = checkInteger(value, { ...argument, unit: 'bytes' });
  if (Number.isInteger(Math.log2(number))) return number;
  throw outOfRange(argument, { must: 'be a power of two', received: value });
}

/**
 * Makes a suballocator. It has no chunk until the first allocation.
 *
 * @throws {RangeError | TypeError} for a heap or an option that is none
 *
 * @example
 * ```ts
 * import { MiB, openHeap } from 'dmabuf';
 * import { createSuballocator } from 'dmabuf/pool';
 *
 * const heap = openHeap('system');
 * const commands = createSuballocator(heap, { chunkLength: 1 * MiB, granule: 256 });
 * const command = commands.allocate(100);
 * const table = commands.allocate(1000, { alignment: 4096 });
 * command.bytes.set([1, 2, 3]);
 * console.log(command.offset, table.offset, commands.stats().usedLength); // 0 4096 1280
 * commands.free(command);
 * table.free();
 * commands.close();
 * heap.close();
 * ```
 */
export function createSuballocator(heap: Heap, options: SuballocatorOptions = {}): Suballocator {
  const action = ACTION;
  if (!Heap.isHeap(heap))
    throw wrongType({ action, name: 'heap' }, { must: 'be an open heap', received: heap, remedy: 'see openHeap()' });
  return new Suballocator(heap, checkOptions(options));
}

function checkOptions(options: SuballocatorOptions): CheckedSuballocator {
  const action = ACTION;
  const names = ['chunkLength', 'lengthMax', 'granule', 'zeroed', 'idleChunksMax', 'name', 'shareable'] as const;
  const plain = readOptions(options, action, names);
  const { lengthMax = LENGTH_MAX_DEFAULT, granule = PAGE_SIZE_DEFAULT, zeroed = true, idleChunksMax = 1 } = plain;
  const max = Number.MAX_SAFE_INTEGER;
  checkInteger(lengthMax, { action, name: 'lengthMax', min: 1, max, unit: 'bytes' });
  const { chunkLength = Math.min(CHUNK_LENGTH_DEFAULT, lengthMax) } = plain;
  const chunkMax = Math.min(lengthMax, WINDOW_BYTES_MAX);
  checkPowerOfTwo(granule, { action, name: 'granule', min: GRANULE_MIN, max: GRANULE_MAX });
  checkInteger(chunkLength, { action, name: 'chunkLength', min: 1, max: chunkMax, unit: 'bytes' });
  checkBoolean(zeroed, { action, name: 'zeroed' });
  checkInteger(idleChunksMax, { action, name: 'idleChunksMax', min: 0, max: IDLE_CHUNKS_MAX });
  if (plain.name !== undefined) checkBufferName(plain.name, { action, name: 'name' });
  if (plain.shareable !== undefined) checkShareable(plain.shareable, { action, name: 'shareable' });
  return { ...plain, chunkLength, lengthMax, granule, zeroed, idleChunksMax };
}
