import { inspect } from 'node:util';

import { wrongType } from '../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../base/check.ts';
import { collector } from '../base/collector.ts';
import type { CollectionWatch } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import { show } from '../base/show.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendKind, BackendStats } from './backend.ts';
import { checkBufferName } from './buffer-name.ts';
import type { BufferCore } from './buffer-core.ts';
import type { DmaBuf } from './dma-buf.ts';
import { HeapBuffers } from './heap-buffers.ts';
import { Reclaimer } from './reclaimer.ts';
import { checkShareable } from './shareable.ts';
import type { Shareable } from './shareable.ts';

const ALLOCATE = 'allocate the buffer';

/** Options of {@link Heap.allocate}. */
export interface AllocateOptions {
  /** At most 31 bytes. Messages show it. */
  readonly name?: string | undefined;
  /**
   * Whether the buffer can be passed to other processes. Kernel buffers always can.
   *
   * `read-only`: the others can read it, but never write to it in any way (F_SEAL_FUTURE_WRITE,
   * since Linux 5.1). Only embedded heaps have such buffers, and no device can import them.
   * Default: the heap's own option, or false without one.
   */
  readonly shareable?: Shareable | undefined;
  /**
   * Whether to trace the allocation, so that `layout()` of a kernel heap's buffer gives its
   * entries, in the order and sizes of their allocation, rather than its runs. Takes root, tracefs,
   * and milliseconds. Where tracing is refused, the buffer is allocated all the same. Other
   * backends know the layout of their buffers without it. Default: false.
   */
  readonly traceLayout?: boolean | undefined;
}

/** Options of the heap itself, independent of the backend. */
export interface HeapOptions {
  /**
   * The default of `shareable` for each buffer. `'read-only'`: `openHeap` skips the other backends,
   * because only the embedded heap has such buffers. Default: false.
   */
  readonly shareable?: Shareable | undefined;
  /**
   * Whether to remember where each buffer was allocated, for the warning about a buffer that was
   * collected unclosed. Costs microseconds.
   */
  readonly trackAllocations?: boolean | undefined;
}

/** The current state of a heap. */
export interface HeapStats extends BackendStats {
  /** Buffers whose memory has not gone back yet. */
  readonly bufferCount: number;
  /**
   * Mappings that count against `vm.max_map_count`, at most. Windows that V8 has unmapped count
   * until a sweep notices.
   */
  readonly mappingCount: number;
  /** Buffers whose memory waits for another thread, or for the collector, before it can go back. */
  readonly pendingReleaseCount: number;
  /** Buffers that were collected without having been closed, since the heap was opened. */
  readonly leakedCount: number;
}

/** An open heap, which allocates buffers. Buffers outlive it. */
export class Heap {
  /** Why this backend was chosen, and not an earlier one. */
  readonly chosenBecause: string;
  readonly #backend: BackendHeap;
  readonly #buffers: HeapBuffers;
  readonly #trackAllocations: boolean;
  readonly #shareable: Shareable;
  readonly #watch: CollectionWatch;
  #open = true;

  /** @internal */
  constructor(backend: BackendHeap, chosenBecause: string, options: HeapOptions = {}) {
    this.#backend = backend;
    this.chosenBecause = chosenBecause;
    this.#trackAllocations = options.trackAllocations === true;
    this.#shareable = options.shareable ?? false;
    this.#buffers = new HeapBuffers(backend);
    // Otherwise its arena would stay.
    this.#watch = collector.watch({ collect: closeNowOrLater.bind(undefined, backend) });
  }

  /** Whether a value is a heap, regardless of its class. @internal */
  static isHeap(value: unknown): value is Heap {
    return typeof value === 'object' && value !== null && #backend in value;
  }

  /** The heap's name, such as `system`. */
  get name(): string {
    return this.#backend.name;
  }

  /** The kind of the heap's memory. */
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

  /** Whether `close()` was called. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Allocates a buffer. Its bytes are zero.
   *
   * @param length in bytes, from 1; rounded up to whole pages
   * @throws {RangeError | TypeError} for an invalid length, name or option
   * @throws {DmaBufError} `ENOMEM` when the heap's capacity or the machine's memory does not
   *   suffice: nothing is committed then; `EOPNOTSUPP` for `shareable: 'read-only'` where the
   *   heap's buffers are dma-bufs, or Linux is older than 5.1
   */
  allocate(length: number, options: AllocateOptions = {}): DmaBuf {
    const rounded = this.#checkLength(length);
    const plain = readOptions(options, ALLOCATE, ['name', 'shareable', 'traceLayout']);
    const { name = '', shareable = this.#shareable, traceLayout = false } = plain;
    checkBufferName(name, { action: ALLOCATE, name: 'name' });
    checkShareable(shareable, { action: ALLOCATE, name: 'shareable' });
    checkBoolean(traceLayout, { action: ALLOCATE, name: 'traceLayout' });
    // Before anything is allocated: this may run the caller's `Error.prepareStackTrace`.
    const creation = this.#trackAllocations ? new Error('Allocated').stack : undefined;
    this.#checkOpen();
    const memory = this.#allocateMemory({ length: rounded, name, shareable, traceLayout });
    return this.#buffers.adopt(memory, name, creation);
  }

  /** The heap's current allocations. */
  stats(): HeapStats {
    this.#buffers.reclaimer.sweep();
    return {
      ...this.#backend.stats(),
      bufferCount: this.#buffers.count,
      mappingCount: this.#backend.mapping.budget.reserved,
      pendingReleaseCount: this.#buffers.reclaimer.pendingCount,
      leakedCount: this.#buffers.leakedCount,
    };
  }

  /** The buffers whose memory has not gone back yet, in the order of their allocation. @internal */
  get buffers(): ReadonlySet<BufferCore> {
    return this.#buffers.cores;
  }

  /**
   * Ends allocation. Existing buffers remain usable. The heap's own memory is freed with the last.
   * Idempotent.
   */
  close(): void {
    if (!this.#open) return;
    this.#buffers.reclaimer.sweep();
    this.#backend.close();
    this.#open = false;
    collector.unwatch(this.#watch);
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const state = this.#open ? 'open' : 'closed';
    return `Heap { "${this.name}", ${this.backend}, ${state}, ${this.#buffers.count} buffers }`;
  }

  /** Collects unreachable buffers before a refusal. */
  #allocateMemory(request: AllocationRequest): BackendBuffer {
    return collector.collectBeforeRefusing(() => this.#backend.allocate(request));
  }

  #checkLength(length: unknown): ByteLength {
    const max = bytesOfPages(TABLE_PAGE_COUNT_MAX, this.#backend.pageSize);
    const argument = { action: ALLOCATE, name: 'length', min: 1, max, unit: 'bytes' };
    if (typeof length === 'string') {
      const remedy = `use parseSize(${show(length)})`;
      throw wrongType(argument, { must: 'be a number of bytes', received: length, remedy });
    }
    const checked = toByteLength(checkInteger(length, argument));
    return bytesOfPages(pagesCoveringBytes(checked, this.#backend.pageSize), this.#backend.pageSize);
  }

  #checkOpen(): void {
    if (this.#open) return;
    throw new DmaBufError(`Cannot allocate from heap "${this.name}" after it was closed`, {
      code: 'ERR_DMABUF_CLOSED',
    });
  }
}

function closeNowOrLater(backend: BackendHeap): void {
  const tryRelease = (): boolean => {
    backend.close();
    return true;
  };
  new Reclaimer().tryNowOrLater({ tryRelease });
}
