import { inspect } from 'node:util';

import { checkBoolean, checkInteger, checkOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { checkBufferName } from '../heap/buffer-name.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { Heap } from '../heap/heap.ts';
import type { BufferView } from '../heap/view.ts';

/** More frames than any camera or display queue has: V4L2 stops at 32 to 1024 (VIDEO_MAX_FRAME). */
const FRAME_COUNT_MAX = 4096;

/** Options of {@link createFramePool}. */
export interface FramePoolOptions {
  /** Bytes a frame. */
  readonly length: number;
  /** How many frames. */
  readonly count: number;
  /** At most 31 bytes with the frame's number behind it: `camera` names `camera0`, `camera1`, … */
  readonly name?: string | undefined;
  readonly shareable?: boolean | undefined;
}

/**
 * One use of a buffer of a pool, from `acquire()` to `release()`. The buffer is mapped and free of page faults for the pool's
 * whole life.
 */
export interface Frame {
  /** Which buffer of the pool, from 0. */
  readonly index: number;
  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the release: the buffer may be another's then */
  readonly buffer: DmaBuf;
  /**
   * The frame's bytes: what its last use left there.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the release
   */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Whether it was not released yet. */
  readonly inUse: boolean;
  /** Gives the buffer back to the pool. Again: does nothing, whoever has the buffer by then. */
  release(): void;
}

/**
 * Buffers that one owner uses over and over, with their windows: taking one costs some tens of nanoseconds, where
 * allocating, mapping and wiping one costs hundreds of microseconds.
 *
 * An array kept from one use shows the next use of the same frame, unlike a view of an ordinary buffer. So share frames
 * only with whoever may see them all.
 */
export class FramePool {
  readonly length: number;
  #frames: readonly PooledFrame[];
  /** The one given back last comes first: its bytes are in the CPU's caches. */
  readonly #free: PooledFrame[];
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /** @internal */
  constructor(heap: Heap, options: FramePoolOptions) {
    this.#frames = allocateFrames(heap, options, (frame) => this.#giveBack(frame));
    this.#free = [...this.#frames].toReversed();
    this.length = this.#frames[0]?.buffer.length ?? 0;
  }

  get frameCount(): number {
    return this.#frames.length;
  }

  get freeCount(): number {
    return this.#free.length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes a free frame.
   *
   * @throws {DmaBufError} `EAGAIN` when all are in use
   */
  acquire(): Frame {
    this.#checkOpen();
    const pooled = this.#free.pop();
    if (pooled === undefined) {
      throw new DmaBufError(
        `Cannot take a frame as all ${this.frameCount} are in use: release one, or await acquireWhenFree()`,
        {
          code: 'EAGAIN',
          values: { frameCount: this.frameCount },
        },
      );
    }
    return new FrameUse(pooled);
  }

  /** Takes a frame as soon as one is free. Rejects with the abort reason, or with `ERR_DMABUF_CLOSED` when the pool closes. */
  async acquireWhenFree(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Frame> {
    for (;;) {
      options.signal?.throwIfAborted();
      this.#checkOpen();
      if (this.#free.length > 0) return this.acquire();
      await this.#nextChange(options.signal);
    }
  }

  /**
   * Closes the free frames now, and those in use when they are released. Again: closes those that the kernel refused to
   * unmap the first time.
   */
  close(): void {
    this.#closed = true;
    this.#wakeAll();
    this.#closeFreeFrames();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `FramePool { ${this.frameCount} frames of ${this.length} bytes, ${this.freeCount} free, ${this.#closed ? 'closed' : 'open'} }`;
  }

  #giveBack(frame: PooledFrame): void {
    this.#free.push(frame);
    if (this.#closed || frame.buffer.closed) this.#retire(frame);
    this.#wakeAll();
  }

  /** Nobody takes it again: the pool is closed, or its user has closed the buffer itself. */
  #retire(frame: PooledFrame): void {
    if (this.#closed) return this.#closeFreeFrames();
    this.#free.pop();
    this.#frames = this.#frames.filter((other) => other !== frame);
    frame.close();
  }

  #closeFreeFrames(): void {
    const steps = this.#free.splice(0).map((frame) => () => {
      try {
        frame.close();
      } catch (error) {
        this.#free.push(frame);
        throw error;
      }
    });
    runAllSteps(steps, 'Several frames of the pool could not be closed');
  }

  /** All of them, in order: the first that still wants a frame takes it, the others wait again. */
  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        const index = this.#waiting.indexOf(wake);
        if (index !== -1) this.#waiting.splice(index, 1);
        resolve();
      };
      this.#waiting.push(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new DmaBufError('Cannot take a frame from a pool after it was closed', { code: 'ERR_DMABUF_CLOSED' });
  }
}

/** A buffer of the pool and its window, made once. */
class PooledFrame {
  readonly index: number;
  readonly buffer: DmaBuf;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly #view: BufferView;
  readonly #giveBack: (frame: PooledFrame) => void;

  constructor(index: number, mapped: { buffer: DmaBuf; view: BufferView }, giveBack: (frame: PooledFrame) => void) {
    this.index = index;
    this.buffer = mapped.buffer;
    this.bytes = mapped.view.bytes;
    this.#view = mapped.view;
    this.#giveBack = giveBack;
  }

  giveBack(): void {
    this.#giveBack(this);
  }

  close(): void {
    this.#view.close();
    this.buffer.close();
  }
}

/** An object for each use, so that a holder of an old one can neither release nor reach what is another's now. */
class FrameUse implements Frame {
  readonly index: number;
  /** Until it is released. */
  #pooled: PooledFrame | undefined;

  constructor(pooled: PooledFrame) {
    this.index = pooled.index;
    this.#pooled = pooled;
  }

  get inUse(): boolean {
    return this.#pooled !== undefined;
  }

  get buffer(): DmaBuf {
    return this.#inUse().buffer;
  }

  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#inUse().bytes;
  }

  release(): void {
    const pooled = this.#pooled;
    this.#pooled = undefined;
    pooled?.giveBack();
  }

  [inspect.custom](): string {
    return `Frame { ${this.index}, ${this.inUse ? 'in use' : 'released'} }`;
  }

  #inUse(): PooledFrame {
    if (this.#pooled !== undefined) return this.#pooled;
    throw new DmaBufError(`Cannot use frame ${this.index} after it was released`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

/**
 * Makes a pool of frames that are allocated, mapped and faulted in now.
 *
 * @throws {RangeError | TypeError} for a length, a count, a name or an option that is none
 * @throws {DmaBufError} as `allocate` and `vmap` do; then no frame is left
 */
export function createFramePool(heap: Heap, options: FramePoolOptions): FramePool {
  if (!(heap instanceof Heap)) throw new TypeError('Cannot make a frame pool as it takes an open heap: see openHeap()');
  checkOptions(options, 'make a frame pool', ['length', 'count', 'name', 'shareable']);
  checkInteger(options.count, 'make a frame pool by its count', { min: 1, max: FRAME_COUNT_MAX });
  const { name = '', shareable = false } = options;
  checkBufferName(name);
  checkBoolean(shareable, 'make a frame pool with shareable');
  return new FramePool(heap, options);
}

function allocateFrames(heap: Heap, options: FramePoolOptions, giveBack: (frame: PooledFrame) => void): PooledFrame[] {
  const { length, count, name, shareable } = options;
  return withCleanup((cleanup) =>
    Array.from({ length: count }, (_, index) => {
      const buffer = heap.allocate(length, { name: name === undefined ? '' : `${name}${index}`, shareable });
      cleanup.defer(() => buffer.close());
      const view = buffer.vmap({ populate: true });
      cleanup.defer(() => view.close());
      return new PooledFrame(index, { buffer, view }, giveBack);
    }),
  );
}
