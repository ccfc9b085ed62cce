import { inspect } from 'node:util';

import { checkBoolean, checkInteger, checkOptions } from '../base/check.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { WASM_MEMORY_BYTES_MAX, WASM_PAGE_BYTES } from '../base/limits.ts';
import { roundUp, toAddress, toByteLength } from '../base/quantities.ts';
import type { Address } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { addressOf } from '../linux/libc.ts';
import { DmaBuf } from './dma-buf.ts';
import { keepAliveWith } from './window-owner.ts';

/** A `WebAssembly.Memory`, by its shape: the type itself belongs to the browser's library. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  grow(pageCount: number): number;
}

declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
};

/** Options of {@link createWasmSpace}. */
export interface WasmSpaceOptions {
  /** Bytes for buffers, together. */
  readonly length: number;
  /** Bytes from address 0 on that stay the module's own, for its stack and data. Default: 0. */
  readonly scratch?: number | undefined;
  /** Make a shared memory, which modules built with threads import. Default: false. */
  readonly shared?: boolean | undefined;
}

/** A buffer inside a wasm space. */
export interface WasmMapping {
  /** Where the buffer's first byte is, as a pointer of the wasm module. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  readonly closed: boolean;
  /** Takes the buffer out: the module reads zeros there. Again: does nothing. */
  close(): void;
}

/**
 * One WebAssembly memory in which buffers lie side by side: a module that imports `memory` works on all of them without a copy.
 * The memory does not grow.
 */
export class WasmSpace {
  readonly memory: WasmMemory;
  /** In bytes: where buffers begin. */
  readonly scratchLength: number;
  /** In bytes: the whole memory. */
  readonly length: number;
  readonly #address: Address;
  /** By offset, ascending. */
  #mappings: BufferInWasm[] = [];
  #closed = false;

  /** @internal */
  constructor(options: { length: number; scratch: number; shared: boolean }) {
    this.scratchLength = roundUp(options.scratch, WASM_PAGE_BYTES);
    this.length = this.scratchLength + roundUp(options.length, WASM_PAGE_BYTES);
    this.memory = createMemory(this.length / WASM_PAGE_BYTES, options.shared);
    this.#address = addressOf(new Uint8Array(this.memory.buffer));
    keepAliveWith(this.memory, this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Puts a buffer into the memory, at the first place that is large enough. The buffer's memory is held until the mapping is
   * closed.
   *
   * @throws {TypeError} for a buffer or an option that is none
   * @throws {DmaBufError} `ENOMEM` when no place is large enough, or mappings would run out
   */
  map(buffer: DmaBuf, options: { readonly populate?: boolean | undefined } = {}): WasmMapping {
    if (!(buffer instanceof DmaBuf))
      throw new TypeError(`Cannot map into the space as it takes buffers: current value is ${inspect(buffer)}`);
    checkOptions(options, 'map into the space', ['populate']);
    const { populate = false } = options;
    checkBoolean(populate, 'map into the space with populate');
    this.#checkOpen();
    const offset = this.#findPlace(buffer.length);
    const target = { address: toAddress(this.#address + offset), length: toByteLength(buffer.length) };
    const unmap = buffer.mapOver(target, populate);
    const mapping = new BufferInWasm({ offset, buffer }, () => {
      unmap();
      this.#mappings = this.#mappings.filter((other) => other !== mapping);
    });
    this.#mappings = [...this.#mappings, mapping].toSorted((left, right) => left.offset - right.offset);
    return mapping;
  }

  /** Takes every buffer out. Again: does nothing. */
  close(): void {
    runAllSteps(
      this.#mappings.map((mapping) => () => mapping.close()),
      'Several buffers could not be taken out of the wasm space',
    );
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `WasmSpace { ${formatSize(this.length)}, ${formatSize(this.scratchLength)} scratch, ${this.#mappings.length} buffers, ${this.#closed ? 'closed' : 'open'} }`;
  }

  #findPlace(length: number): number {
    let offset = this.scratchLength;
    for (const mapping of this.#mappings) {
      if (mapping.offset - offset >= length) return offset;
      offset = mapping.offset + mapping.length;
    }
    if (this.length - offset >= length) return offset;
    throw new DmaBufError(
      `Cannot map ${formatSize(length)} into the wasm space of ${formatSize(this.length)} as no gap is that large: ` +
        'close mappings, or make a larger space',
      { code: 'ENOMEM', values: { length, spaceLength: this.length } },
    );
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new DmaBufError('Cannot use a wasm space after it was closed', { code: 'ERR_DMABUF_CLOSED' });
  }
}

class BufferInWasm implements WasmMapping {
  readonly offset: number;
  /** Kept, so that its memory is not given back by the collector while it is mapped here. */
  readonly buffer: DmaBuf;
  readonly #takeOut: () => void;
  #closed = false;

  constructor(place: { offset: number; buffer: DmaBuf }, takeOut: () => void) {
    this.offset = place.offset;
    this.buffer = place.buffer;
    this.#takeOut = takeOut;
  }

  get length(): number {
    return this.buffer.length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#takeOut();
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a WebAssembly memory for buffers. `wat`: `(import "env" "memory" (memory N N))`, with N = `length` / 64 KiB.
 *
 * @throws {RangeError | TypeError} for a length or an option that is none; both together end at 4 GiB
 * @throws {DmaBufError} `ENOMEM` when there is no address space: V8 reserves about 10 GiB for each memory; `ENOSYS` where
 * Node runs without WebAssembly
 */
export function createWasmSpace(options: WasmSpaceOptions): WasmSpace {
  checkOptions(options, 'make a wasm space', ['length', 'scratch', 'shared']);
  const { shared = false } = options;
  checkBoolean(shared, 'make a wasm space with shared');
  const scratch = checkInteger(options.scratch ?? 0, 'make a wasm space with scratch bytes', {
    min: 0,
    max: WASM_MEMORY_BYTES_MAX,
  });
  const max = WASM_MEMORY_BYTES_MAX - roundUp(scratch, WASM_PAGE_BYTES);
  const length = checkInteger(options.length, 'make a wasm space by its length', { min: 1, max });
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
    // V8 refuses a memory that it has no room for with a RangeError; nothing else is known to be a want of room.
    if (!(cause instanceof RangeError)) throw cause;
    throw new DmaBufError('Cannot make a WebAssembly memory as there is no address space for it: close other spaces', {
      code: 'ENOMEM',
      values: { wasmPageCount },
      cause,
    });
  }
}
