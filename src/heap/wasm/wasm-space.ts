import { inspect, types } from 'node:util';

import { wrongType } from '../../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../../base/check.ts';
import { runAllSteps } from '../../base/cleanup.ts';
import { REUSES_COLLECTED_RANGES } from '../../base/engine-memory.ts';
import { DmaBufError } from '../../base/errors.ts';
import { WASM_MEMORY_BYTES_MAX, WASM_PAGE_BYTES } from '../../base/limits.ts';
import { roundUp, toAddress } from '../../base/quantities.ts';
import type { Address } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import { addressOf } from '../../linux/calls/kernel-calls.ts';
import { DmaBuf } from '../dma-buf.ts';
import { keepAliveWith } from '../../mapping/window-memory.ts';

/** The structure of a `WebAssembly.Memory`: the type itself belongs to the browser's library. */
export interface WasmMemory {
  /** As `WebAssembly.Memory.buffer`. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** As `WebAssembly.Memory.grow`, in pages of 64 KiB. */
  grow(pageCount: number): number;
}

declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
};

/** Options of {@link createWasmSpace}. */
export interface WasmSpaceOptions {
  /** Room for all buffers together, in bytes. */
  readonly length: number;
  /** Bytes from address 0 on that the module keeps for its stack and data. Default: 0. */
  readonly scratch?: number | undefined;
  /** Whether to make a shared memory, which modules built with threads import. Default: false. */
  readonly shared?: boolean | undefined;
}

/** A buffer inside a wasm space. */
export interface WasmMapping {
  /** The address of the buffer's first byte, as a pointer in the wasm module. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** Whether `close()` was called. */
  readonly closed: boolean;
  /** Removes the buffer: the module reads zeros there. Idempotent. */
  close(): void;
  /** For `using`: closes. */
  [Symbol.dispose](): void;
}

/**
 * One WebAssembly memory in which buffers lie side by side. A module that imports `memory` works on
 * all of them without a copy. The memory does not grow.
 */
export class WasmSpace {
  readonly #memory: WasmMemory;
  readonly #scratchLength: number;
  readonly #length: number;
  readonly #address: Address;
  /** By offset, ascending. */
  #mappings: BufferInWasm[] = [];
  #closed = false;

  /** @internal */
  constructor(options: { length: number; scratch: number; shared: boolean }) {
    this.#scratchLength = roundUp(options.scratch, WASM_PAGE_BYTES);
    this.#length = this.#scratchLength + roundUp(options.length, WASM_PAGE_BYTES);
    this.#memory = createMemory(this.#length / WASM_PAGE_BYTES, options.shared);
    this.#address = addressOf(new Uint8Array(this.#memory.buffer));
    keepAliveWith(this.#memory, this);
  }

  /** The memory that a module imports. */
  get memory(): WasmMemory {
    return this.#memory;
  }

  /** In bytes: the first address for buffers. */
  get scratchLength(): number {
    return this.#scratchLength;
  }

  /** In bytes: the length of the whole memory. */
  get length(): number {
    return this.#length;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Maps a buffer into the memory, at the first place that is large enough. The mapping holds the
   * buffer's memory until it is closed. Stores into a read-only buffer have the effects that
   * `DmaBuf.vmap` describes.
   *
   * @throws {TypeError} for an invalid buffer or option
   * @throws {DmaBufError} `ENOMEM` when no place is large enough, or mappings would run out;
   *   `EOPNOTSUPP` for `populate` of a read-only buffer, or one of `shareable: 'read-only'`, before
   *   Linux 5.14
   */
  map(buffer: DmaBuf, options: { readonly populate?: boolean | undefined } = {}): WasmMapping {
    const action = 'map the buffer into the wasm space';
    if (!DmaBuf.isBuffer(buffer))
      throw wrongType({ action, name: 'buffer' }, { must: 'be a DmaBuf', received: buffer });
    const { populate = false } = readOptions(options, action, ['populate']);
    checkBoolean(populate, { action, name: 'populate' });
    this.#checkOpen();
    let place = { offset: 0, length: 0, mappedBytes: 0 };
    const unmap = DmaBuf.mapOver(
      buffer,
      ({ length, mappedBytes }) => {
        place = { offset: this.#findPlace(mappedBytes), length, mappedBytes };
        const range = { address: toAddress(this.#address + place.offset), length: mappedBytes };
        return REUSES_COLLECTED_RANGES ? { ...range, kept: this.#memory.buffer } : range;
      },
      { populate, populatePlainly: refuseToPopulate },
    );
    const mapping = new BufferInWasm({ ...place, buffer }, () => {
      unmap();
      this.#mappings = this.#mappings.filter((other) => other !== mapping);
    });
    this.#mappings = [...this.#mappings, mapping].toSorted((left, right) => left.offset - right.offset);
    return mapping;
  }

  /** Removes every buffer. Idempotent. */
  close(): void {
    runAllSteps(
      this.#mappings.map((mapping) => () => mapping.close()),
      'Several buffers could not be taken out of the wasm space',
    );
    this.#closed = true;
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `WasmSpace { ${formatSize(this.#length)}, ${formatSize(this.#scratchLength)} scratch, ${this.#mappings.length} buffers, ${this.#closed ? 'closed' : 'open'} }`;
  }

  #findPlace(length: number): number {
    let offset = this.#scratchLength;
    for (const mapping of this.#mappings) {
      if (mapping.offset - offset >= length) return offset;
      offset = mapping.offset + mapping.mappedBytes;
    }
    if (this.#length - offset >= length) return offset;
    throw new DmaBufError(
      `Cannot map ${formatSize(length)} into the wasm space of ${formatSize(this.#length)} as no gap is that large: ` +
        'close mappings, or make a larger space',
      { code: 'ENOMEM', values: { length, spaceLength: this.#length } },
    );
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new DmaBufError('Cannot use a wasm space after it was closed', { code: 'ERR_DMABUF_CLOSED' });
  }
}

class BufferInWasm implements WasmMapping {
  readonly offset: number;
  readonly length: number;
  /** Whole pages. */
  readonly mappedBytes: number;
  /** Kept, so that the collector does not give its memory back while it is mapped here. */
  readonly buffer: DmaBuf;
  readonly #takeOut: () => void;
  #closed = false;

  constructor(place: { offset: number; length: number; mappedBytes: number; buffer: DmaBuf }, takeOut: () => void) {
    this.offset = place.offset;
    this.length = place.length;
    this.mappedBytes = place.mappedBytes;
    this.buffer = place.buffer;
    this.#takeOut = takeOut;
    // The space finds its gaps by these values.
    Object.freeze(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#takeOut();
    this.#closed = true;
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a WebAssembly memory for buffers. `wat`: `(import "env" "memory" (memory N N))`, with N =
 * `length` / 64 KiB.
 *
 * @throws {RangeError | TypeError} for an invalid length or option; both lengths together end at 4
 *   GiB
 * @throws {DmaBufError} `ENOMEM` when the address space does not suffice: V8 reserves about 10 GiB
 *   for each memory; `ENOSYS` where Node runs without WebAssembly
 *
 * @example
 * ```ts
 * import { KiB, openHeap } from 'dmabuf';
 * import { createWasmSpace } from 'dmabuf/wasm';
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(64 * KiB);
 * const space = createWasmSpace({ length: 128 * KiB });
 * const mapping = space.map(buffer); // a module that imports space.memory finds the buffer at mapping.offset
 * buffer.accessSync('write', (bytes) => bytes.fill(7));
 * console.log(new Uint8Array(space.memory.buffer)[mapping.offset]); // 7
 * mapping.close();
 * space.close();
 * buffer.close();
 * heap.close();
 * ```
 */
export function createWasmSpace(options: WasmSpaceOptions): WasmSpace {
  const action = 'make a wasm space';
  const plain = readOptions(options, action, ['length', 'scratch', 'shared']);
  const { scratch = 0, shared = false } = plain;
  checkBoolean(shared, { action, name: 'shared' });
  checkInteger(scratch, { action, name: 'scratch', min: 0, max: WASM_MEMORY_BYTES_MAX, unit: 'bytes' });
  const max = WASM_MEMORY_BYTES_MAX - roundUp(scratch, WASM_PAGE_BYTES);
  const length = checkInteger(plain.length, { action, name: 'length', min: 1, max, unit: 'bytes' });
  return new WasmSpace({ length, scratch, shared });
}

function createMemory(wasmPageCount: number, shared: boolean): WasmMemory {
  if (typeof WebAssembly === 'undefined') {
    throw new DmaBufError(
      'Cannot make a WebAssembly memory as Node runs without WebAssembly: start it without --jitless',
      { code: 'ENOSYS' },
    );
  }
  try {
    return new WebAssembly.Memory({ initial: wasmPageCount, maximum: wasmPageCount, shared });
  } catch (cause) {
    // V8 refuses a memory that it has no room for with a RangeError. No other error is known to
    // mean that. Recognized by name: Jest has one realm's WebAssembly and another's RangeError.
    if (!types.isNativeError(cause) || cause.name !== 'RangeError') throw cause;
    throw new DmaBufError('Cannot make a WebAssembly memory as there is no address space for it: close other spaces', {
      code: 'ENOMEM',
      values: { wasmPageCount },
      cause,
    });
  }
}

function refuseToPopulate(label: string): never {
  throw new DmaBufError(
    `Cannot fault in ${label} at its place as Linux before 5.14 would have to copy it: map it without { populate: true }`,
    { code: 'EOPNOTSUPP', syscall: 'madvise' },
  );
}
