import { inspect } from 'node:util';

import { checkBoolean, checkInteger, checkOptions } from '../base/check.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendKind, BackendStats } from '../backend/contract.ts';
import { BufferCore } from './buffer-core.ts';
import { checkBufferName } from './buffer-name.ts';
import { DmaBuf } from './dma-buf.ts';
import { HeapBuffers } from './heap-buffers.ts';
import { Reclaimer } from './reclaimer.ts';

/** Options of {@link Heap.allocate}. */
export interface AllocateOptions {
  /** At most 31 bytes. It shows in messages. */
  readonly name?: string | undefined;
  /** Whether the buffer can be passed to other processes. Kernel buffers always can. Default: false. */
  readonly shareable?: boolean | undefined;
  /**
   * Whether to trace the allocation, so that `layout()` of a kernel heap's buffer tells its entries, in the order and sizes that they were
   * allocated in, rather than its runs. Takes root and tracefs, and milliseconds; where it is refused, the buffer is allocated all the
   * same. Other backends know their buffers' layout without. Default: false.
   */
  readonly traceLayout?: boolean | undefined;
}

/** Options that belong to the heap rather than to where its memory comes from. */
export interface HeapOptions {
  /** Remember where each buffer was allocated, for the warning about one that was collected unclosed. Costs microseconds. */
  readonly trackAllocations?: boolean | undefined;
}

/** What a heap holds at the moment. */
export interface HeapStats extends BackendStats {
  /** Buffers whose memory has not gone back yet. */
  readonly bufferCount: number;
  /** Mappings that windows take of `vm.max_map_count`, at most: those that V8 has unmapped meanwhile are counted until they are found gone. */
  readonly mappingCount: number;
  /** Buffers that wait for another thread, or for the collector, before their memory can go back. */
  readonly waitingCount: number;
  /** Buffers that were collected without having been closed, since the heap was opened. */
  readonly lostCount: number;
}

/** Heaps that nobody closed: their arenas would stay. */
const collected = new FinalizationRegistry<BackendHeap>((backend) => {
  new Reclaimer().tryNowOrLater({
    tryRelease: () => {
      backend.close();
      return true;
    },
  });
});

/** An open heap: allocates buffers. Buffers outlive it. */
export class Heap {
  /** Why this backend was taken, and not one before it. */
  readonly chosenBecause: string;
  readonly #backend: BackendHeap;
  readonly #buffers: HeapBuffers;
  readonly #trackAllocations: boolean;
  #open = true;

  /** @internal */
  constructor(backend: BackendHeap, chosenBecause: string, options: HeapOptions = {}) {
    this.#backend = backend;
    this.chosenBecause = chosenBecause;
    this.#trackAllocations = options.trackAllocations === true;
    this.#buffers = new HeapBuffers(backend);
    collected.register(this, backend, this);
  }

  get name(): string {
    return this.#backend.name;
  }

  get backend(): BackendKind {
    return this.#backend.backend;
  }

  /** Whether devices of this machine can import its buffers. */
  get deviceImportable(): boolean {
    return this.#backend.deviceImportable;
  }

  /** In bytes. */
  get pageSize(): number {
    return this.#backend.pageSize;
  }

  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Allocates a buffer. Its bytes are zero.
   *
   * @param length in bytes, from 1; rounded up to whole pages
   * @throws {RangeError | TypeError} for a length, a name or an option that is none
   * @throws {DmaBufError} `ENOMEM` when the heap's capacity or the machine's memory does not suffice: nothing was committed
   */
  allocate(length: number, options: AllocateOptions = {}): DmaBuf {
    const rounded = this.#checkLength(length);
    checkOptions(options, 'allocate the buffer', ['name', 'shareable', 'traceLayout']);
    const name = checkBufferName(options.name ?? '');
    this.#checkOpen();
    const shareable = checkBoolean(options.shareable ?? false, 'make the buffer shareable');
    const traceLayout = checkBoolean(options.traceLayout ?? false, 'trace the layout of the buffer');
    const memory = this.#allocateMemory({ length: rounded, name, shareable, traceLayout });
    const label = name === '' ? 'the buffer' : `buffer "${name}"`;
    const creation = this.#trackAllocations ? new Error('Allocated').stack : undefined;
    const core = new BufferCore(memory, this.#buffers, { label, creation });
    this.#buffers.count += 1;
    return new DmaBuf(core, name);
  }

  stats(): HeapStats {
    this.#buffers.reclaimer.sweep();
    return {
      ...this.#backend.stats(),
      bufferCount: this.#buffers.count,
      mappingCount: this.#backend.mapping.budget.reserved,
      waitingCount: this.#buffers.reclaimer.pendingCount,
      lostCount: this.#buffers.lostCount,
    };
  }

  /** Ends allocation. Buffers go on; the heap's own memory goes with the last. Again: does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#buffers.reclaimer.sweep();
    this.#backend.close();
    this.#open = false;
    collected.unregister(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const state = this.#open ? 'open' : 'closed';
    return `Heap { "${this.name}", ${this.backend}, ${state}, ${this.#buffers.count} buffers }`;
  }

  /** What waits to be given back is looked for before anybody is refused. */
  #allocateMemory(request: AllocationRequest): BackendBuffer {
    try {
      return this.#backend.allocate(request);
    } catch (error) {
      if (!isDmaBufError(error, 'ENOMEM') || this.#buffers.reclaimer.pendingCount === 0) throw error;
      this.#buffers.reclaimer.sweep();
      return this.#backend.allocate(request);
    }
  }

  #checkLength(length: unknown): ByteLength {
    const max = bytesOfPages(TABLE_PAGE_COUNT_MAX, this.#backend.pageSize);
    if (typeof length === 'string') {
      throw new TypeError(
        `Cannot allocate a buffer by its length as it must be a number: use parseSize(${inspect(length)})`,
      );
    }
    const checked = toByteLength(checkInteger(length, 'allocate a buffer by its length', { min: 1, max }));
    return bytesOfPages(pagesCoveringBytes(checked, this.#backend.pageSize), this.#backend.pageSize);
  }

  #checkOpen(): void {
    if (this.#open) return;
    throw new DmaBufError(`Cannot allocate from heap "${this.name}" after it was closed`, {
      code: 'ERR_DMABUF_CLOSED',
    });
  }
}
