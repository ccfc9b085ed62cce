import { inspect } from 'node:util';

import { checkInteger } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { WINDOW_BYTES_MAX } from '../base/limits.ts';
import { formatSize } from '../base/sizes.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';

/** A typed array's constructor, such as `Uint32Array` or `Float32Array`. */
export interface TypedArrayConstructor<View> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): View;
}

/** What a view needs of the buffer it shows. */
interface ViewedBuffer {
  /** For messages: the buffer's name, or what stands for it. */
  readonly label: string;
  /** One view less: the last one unmaps the window. */
  closeView(): void;
}

/**
 * A handle on a buffer's one contiguous window. While it is open, the window stays mapped; arrays taken from it read zeros
 * once the last handle is closed.
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

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The whole buffer. The same array at each call.
   *
   * @throws {RangeError} above 4 GiB, which no typed array of Node 20 spans: use {@link subarray}
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    const memory = this.#open();
    if (memory.length > WINDOW_BYTES_MAX) {
      throw new RangeError(
        `Cannot show the buffer as one array as it must be at most ${formatSize(WINDOW_BYTES_MAX)}: ` +
          `current value is ${formatSize(memory.length)}; take parts with subarray(offset, length)`,
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
   */
  subarray(offset: number, length: number = this.length - offset): Uint8Array<SharedArrayBuffer> {
    const memory = this.#open();
    const part = checkPart(offset, length, memory.length);
    return new Uint8Array(memory.shared, memory.byteOffset + part.offset, part.length);
  }

  /** The whole buffer as another typed array: `view.as(Uint32Array)`. */
  as<View>(type: TypedArrayConstructor<View>): View {
    const memory = this.#open();
    if (typeof type !== 'function' || !Number.isInteger(type.BYTES_PER_ELEMENT)) {
      throw new TypeError(
        `Cannot show the buffer as a typed array as it must be a constructor: current value is ${inspect(type)}`,
      );
    }
    return new type(memory.shared, memory.byteOffset, memory.length / type.BYTES_PER_ELEMENT);
  }

  /**
   * A copy in ordinary memory, for APIs that refuse shared memory (`crypto.subtle`, `fetch` bodies, byte streams).
   *
   * @param offset in bytes, from 0
   * @param length in bytes; default: the rest
   */
  copyOut(offset = 0, length: number = this.length - offset): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.subarray(offset, length));
  }

  /** Lets go of the window. The last handle's close unmaps it, unless an access bracket is open. Again: does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#buffer.closeView();
    this.#closed = true;
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `BufferView { ${this.#buffer.label}, ${formatSize(this.length)}, ${this.#closed ? 'closed' : 'open'} }`;
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

function checkPart(offset: number, length: number, total: number): { offset: number; length: number } {
  const checkedOffset = checkInteger(offset, 'take the part at offset', { min: 0, max: total });
  const lengthMax = Math.min(total - checkedOffset, WINDOW_BYTES_MAX);
  return {
    offset: checkedOffset,
    length: checkInteger(length, 'take a part by its length', { min: 0, max: lengthMax }),
  };
}
