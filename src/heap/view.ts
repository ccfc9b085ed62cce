import { inspect } from 'node:util';

import { outOfRange, wrongType } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { WINDOW_BYTES_MAX } from '../base/limits.ts';
import { formatSize } from '../base/sizes.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import { checkPart } from './byte-part.ts';
import type { BytePart } from './byte-part.ts';

/** A typed array's constructor, such as `Uint32Array` or `Float32Array`. */
export interface TypedArrayConstructor<View> {
  /** Of one element. */
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): View;
}

/** What a view needs of the buffer it shows. */
interface ViewedBuffer {
  /** For messages: the buffer's name, or a substitute. */
  readonly label: string;
  /**
   * Whether stores into the window do not reach the buffer: they stay in this process, or end it.
   */
  readonly readOnly: boolean;
  /** Removes one view. Removing the last one unmaps the window. */
  closeView(): void;
}

/**
 * A handle on a buffer's one contiguous window. While it is open, the window stays mapped; arrays
 * taken from it read zeros once the last handle is closed.
 */
export class BufferView {
  readonly #memory: WindowMemory;
  readonly #buffer: ViewedBuffer;
  #bytes: Uint8Array<SharedArrayBuffer> | undefined;
  #closed = false;

  /** @internal */
  constructor(memory: WindowMemory, buffer: ViewedBuffer) {
    this.#memory = memory;
    this.#buffer = buffer;
  }

  /** In bytes: the buffer's length. */
  get length(): number {
    return this.#memory.length;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the view is read-only: stores never reach the buffer. See `DmaBuf.vmap`. */
  get readOnly(): boolean {
    return this.#buffer.readOnly;
  }

  /**
   * The whole buffer. The same array at each call.
   *
   * @throws {RangeError} above 4 GiB, which no typed array of Node 20 spans: use {@link subarray}
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    const memory = this.#open();
    if (memory.length > WINDOW_BYTES_MAX) {
      throw outOfRange(
        { action: 'show the buffer as one array', name: 'length' },
        {
          must: `be at most ${formatSize(WINDOW_BYTES_MAX)}`,
          received: memory.length,
          shown: `${memory.length} bytes`,
          remedy: 'take parts with subarray(offset, length)',
        },
      );
    }
    this.#bytes ??= new Uint8Array(memory.shared, memory.byteOffset, memory.length);
    return this.#bytes;
  }

  /**
   * A part of the buffer, without a copy.
   *
   * @param offset in bytes, from 0
   * @param length in bytes, at most 4 GiB; default: the rest
   * @throws {TypeError | RangeError} for a range outside the buffer
   */
  subarray(offset: number, length?: number): Uint8Array<SharedArrayBuffer> {
    return this.#bytesOf(this.#checkPart('take a part of the buffer', offset, length));
  }

  /**
   * The buffer, or a part of it, as another typed array: `view.as(Uint32Array)`.
   *
   * A class of your own is called with the window's memory, an offset and a number of elements. If
   * it closes the view, it sees zeros, like every array of a closed view, and this call is refused.
   *
   * @param offset in bytes, from 0; whole elements
   * @param length in bytes, at most 4 GiB; whole elements; default: the rest
   * @throws {TypeError} when it is not a constructor of typed arrays
   * @throws {RangeError} for a range outside the buffer, or one that is not whole elements
   */
  as<View>(type: TypedArrayConstructor<View>, offset = 0, length?: number): View {
    const action = 'show the buffer as a typed array';
    const elementBytes = readElementBytes(type, action);
    const part = this.#checkPart(action, offset, length);
    for (const name of ['offset', 'length'] as const) checkWholeElements(part[name], { action, name }, elementBytes);
    const { shared, byteOffset } = this.#open();
    const array = new type(shared, byteOffset + part.offset, part.length / elementBytes);
    this.#open();
    return array;
  }

  /**
   * The buffer, or a part of it, as a `DataView`: values of any kind at any offset, without a copy.
   *
   * @param offset in bytes, from 0
   * @param length in bytes, at most 4 GiB; default: the rest
   * @throws {TypeError | RangeError} for a range outside the buffer
   */
  dataView(offset = 0, length?: number): DataView<SharedArrayBuffer> {
    const part = this.#checkPart('show the buffer as a DataView', offset, length);
    const { shared, byteOffset } = this.#open();
    return new DataView(shared, byteOffset + part.offset, part.length);
  }

  /**
   * The buffer, or a part of it, as Node's `Buffer`, without a copy: with its methods for text,
   * numbers, searching and comparing, and for `node:fs`, `node:net`, `node:crypto` and `node:zlib`.
   *
   * Its memory is shared, which some functions refuse: `crypto.subtle`, the body of a `fetch` or a
   * `Response`, byte streams, and a transfer by `postMessage`. Give them {@link copyOut}.
   * Operations that run in another thread (`fs.promises`, streams) use this memory: keep the view
   * open, and the bytes unchanged, until they are done. `Buffer.concat` and `Buffer.from(buffer)`
   * copy.
   *
   * @param offset in bytes, from 0
   * @param length in bytes, at most 4 GiB; default: the rest
   * @throws {TypeError | RangeError} for a range outside the buffer
   */
  buffer(offset = 0, length?: number): Buffer<SharedArrayBuffer> {
    const part = this.#checkPart('show the buffer as a Buffer', offset, length);
    const { shared, byteOffset } = this.#open();
    return Buffer.from(shared, byteOffset + part.offset, part.length);
  }

  /**
   * A copy in ordinary memory, for APIs that refuse shared memory (`crypto.subtle`, `fetch` bodies,
   * byte streams).
   *
   * @param offset in bytes, from 0
   * @param length in bytes; default: the rest
   */
  copyOut(offset = 0, length?: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytesOf(this.#checkPart('copy a part of the buffer', offset, length)));
  }

  /**
   * Closes the handle. Closing the last handle unmaps the window, unless an access bracket is open.
   * Idempotent.
   */
  close(): void {
    if (this.#closed) return;
    this.#buffer.closeView();
    this.#closed = true;
    this.#bytes = undefined;
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `BufferView { ${this.#buffer.label}, ${formatSize(this.length)}, ${this.#closed ? 'closed' : 'open'} }`;
  }

  #checkPart(action: string, offset: number, length: number | undefined): BytePart {
    return checkPart({ offset, length }, { action, total: this.#memory.length, max: WINDOW_BYTES_MAX });
  }

  #bytesOf({ offset, length }: BytePart): Uint8Array<SharedArrayBuffer> {
    const { shared, byteOffset } = this.#open();
    return new Uint8Array(shared, byteOffset + offset, length);
  }

  #open(): WindowMemory {
    if (this.#closed) {
      throw new DmaBufError(
        `Cannot use a view of ${this.#buffer.label} after it was closed: take a new one with vmap()`,
        {
          code: 'ERR_DMABUF_CLOSED',
        },
      );
    }
    return this.#memory;
  }
}

function readElementBytes(type: TypedArrayConstructor<unknown>, action: string): number {
  const elementBytes: unknown = isConstructor(type) ? type.BYTES_PER_ELEMENT : undefined;
  if (typeof elementBytes !== 'number')
    throw wrongType({ action, name: 'type' }, { must: 'be a constructor of typed arrays', received: type });
  const range = { min: 1, max: WINDOW_BYTES_MAX, unit: 'bytes' };
  return checkInteger(elementBytes, { action, name: 'type.BYTES_PER_ELEMENT', ...range });
}

/**
 * A function without `[[Construct]]` (an arrow, a method) makes a proxy without it: `type` itself
 * never runs.
 */
function isConstructor(type: unknown): boolean {
  if (typeof type !== 'function') return false;
  try {
    Reflect.construct(new Proxy(type, { construct: () => ({}) }), []);
    return true;
  } catch {
    return false;
  }
}

function checkWholeElements(bytes: number, argument: Argument, elementBytes: number): void {
  if (bytes % elementBytes === 0) return;
  throw outOfRange(argument, { must: `be whole elements of ${elementBytes} bytes`, received: bytes });
}
