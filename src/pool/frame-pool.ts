import { inspect } from 'node:util';

import { throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import { wrongType } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { ChangeSignal } from '../base/change-signal.ts';
import { checkInteger, readOptions, readWaitOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { checkBufferName } from '../heap/buffer-name.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { Heap } from '../heap/heap.ts';
import { checkShareable } from '../heap/shareable.ts';
import type { Shareable } from '../heap/shareable.ts';
import type { BufferView } from '../heap/view.ts';
import { lengthOfFrame, planeOfFrame } from '../picture/frame-bytes.ts';
import type { FrameDescription } from '../picture/frame-description.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { PlaneView } from '../picture/plane-view.ts';

/** More frames than any camera or display queue has: V4L2 stops at 32 to 1024 (VIDEO_MAX_FRAME). */
const FRAME_COUNT_MAX = 4096;

const ACTION = 'make a frame pool';
const LENGTH: Argument = { action: ACTION, name: 'length' };

/** Options of {@link createFramePool}. */
export interface FramePoolOptions {
  /** Bytes per frame. Default: the length of `layout`. */
  readonly length?: number | undefined;
  /** The picture in each frame, in one buffer: a result of `describeFrame`. */
  readonly layout?: FrameDescription | undefined;
  /** How many frames. */
  readonly count: number;
  /** At most 31 bytes together with the frame's number: `camera` gives `camera0`, `camera1`, … */
  readonly name?: string | undefined;
  /** As in `heap.allocate`. Default: the heap's. */
  readonly shareable?: Shareable | undefined;
}

/** Checked options. */
type CheckedPool = FramePoolOptions & { readonly length: number };

/**
 * One use of a buffer of a pool, from `acquire()` to `release()`. The buffer is mapped and free of
 * page faults for the pool's whole life.
 */
export interface PooledFrame {
  /** The index of the buffer in the pool, from 0. */
  readonly index: number;
  /**
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the release: another user may have the buffer
   * then
   */
  readonly buffer: DmaBuf;
  /**
   * The frame's bytes, which its last use left there.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the release
   */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /**
   * The picture in `buffer`: its size, its format, and where its planes lie. Undefined in a pool
   * without `layout`.
   */
  readonly layout: FrameLayout | undefined;
  /** Whether it is still to be released. */
  readonly inUse: boolean;
  /**
   * A plane of the picture, row by row, in `bytes`: it need not be closed.
   *
   * @param index from 0
   * @throws {TypeError | RangeError} for a plane that does not exist
   * @throws {DmaBufError} `EOPNOTSUPP` in a pool without layout; `ERR_DMABUF_CLOSED` after the
   *   release, from its bytes too
   */
  plane(index: number): PlaneView;
  /** Gives the buffer back to the pool. Idempotent: it never affects a later user of the buffer. */
  release(): void;
  /** For `using`: releases. */
  [Symbol.dispose](): void;
}

/**
 * Buffers that one owner uses over and over, with their windows. Taking one costs some tens of
 * nanoseconds, while allocating, mapping and wiping one costs hundreds of microseconds.
 *
 * An array kept from one use shows the next use of the same frame, unlike a view of an ordinary
 * buffer. So share frames only with code that may see them all.
 */
export class FramePool {
  /** The length of each frame, in bytes. */
  readonly length: number;
  #frames: readonly FrameMemory[];
  /** The frame given back last comes first: its bytes are in the CPU's caches. */
  readonly #free: FrameMemory[];
  readonly #changes = new ChangeSignal();
  #closed = false;

  /** @internal */
  constructor(heap: Heap, options: CheckedPool) {
    this.#frames = allocateFrames(heap, options, (frame) => this.#giveBack(frame));
    this.#free = [...this.#frames].toReversed();
    this.length = this.#frames[0]?.buffer.length ?? 0;
  }

  /** How many frames it has. */
  get frameCount(): number {
    return this.#frames.length;
  }

  /** How many frames are free. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes a free frame.
   *
   * @throws {DmaBufError} `EAGAIN` when all are in use
   */
  acquire(): PooledFrame {
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

  /**
   * Takes a frame as soon as one is free. Rejects with the abort reason, or with
   * `ERR_DMABUF_CLOSED` when the pool closes.
   */
  async acquireWhenFree(options: WaitOptions = {}): Promise<PooledFrame> {
    const { signal } = readWaitOptions(options, 'take a frame');
    for (;;) {
      throwIfAborted(signal);
      this.#checkOpen();
      const pooled = this.#free.pop();
      if (pooled !== undefined) return new FrameUse(pooled);
      await this.#changes.next(signal);
    }
  }

  /**
   * Closes the free frames now, and those in use when they are released. A second call closes those
   * that the kernel refused to unmap.
   */
  close(): void {
    this.#closed = true;
    this.#changes.wakeAll();
    this.#closeFreeFrames();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `FramePool { ${this.frameCount} frames of ${this.length} bytes, ${this.freeCount} free, ${this.#closed ? 'closed' : 'open'} }`;
  }

  #giveBack(frame: FrameMemory): void {
    this.#free.push(frame);
    if (this.#closed || frame.buffer.closed) this.#retire(frame);
    this.#changes.wakeAll();
  }

  /** It is not used again: the pool is closed, or its user has closed the buffer itself. */
  #retire(frame: FrameMemory): void {
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

  #checkOpen(): void {
    if (this.#closed)
      throw new DmaBufError('Cannot take a frame from a pool after it was closed', { code: 'ERR_DMABUF_CLOSED' });
  }
}

/** A buffer of the pool with its window, and the picture that it holds. */
interface MappedFrame {
  readonly buffer: DmaBuf;
  readonly view: BufferView;
  readonly layout: FrameLayout | undefined;
}

/** A buffer of the pool and its window, made once. */
class FrameMemory {
  readonly index: number;
  readonly buffer: DmaBuf;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly layout: FrameLayout | undefined;
  readonly #view: BufferView;
  readonly #giveBack: (frame: FrameMemory) => void;

  constructor(index: number, mapped: MappedFrame, giveBack: (frame: FrameMemory) => void) {
    this.index = index;
    this.layout = mapped.layout;
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

/**
 * A new object for each use, so that a holder of an old one can neither release nor access a frame
 * that another user has now.
 */
class FrameUse implements PooledFrame {
  readonly index: number;
  /** Undefined after the release. */
  #pooled: FrameMemory | undefined;

  constructor(pooled: FrameMemory) {
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

  get layout(): FrameLayout | undefined {
    return this.#inUse().layout;
  }

  plane(index: number): PlaneView {
    return planeOfFrame(this.#inUse().layout, index, () => this.bytes);
  }

  release(): void {
    const pooled = this.#pooled;
    this.#pooled = undefined;
    pooled?.giveBack();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `PooledFrame { ${this.index}, ${this.inUse ? 'in use' : 'released'} }`;
  }

  #inUse(): FrameMemory {
    if (this.#pooled !== undefined) return this.#pooled;
    throw new DmaBufError(`Cannot use frame ${this.index} after it was released`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

/**
 * Makes a pool of frames that are allocated, mapped and faulted in now.
 *
 * @throws {RangeError | TypeError} for an invalid length, count, name or option
 * @throws {DmaBufError} as `allocate` and `vmap` do; no frame is left then
 *
 * @example
 * ```ts
 * import { KiB, openHeap } from 'dmabuf';
 * import { createFramePool } from 'dmabuf/pool';
 *
 * const heap = openHeap('system');
 * const pool = createFramePool(heap, { length: 64 * KiB, count: 2 });
 * const frame = pool.acquire();
 * frame.bytes.fill(7);
 * console.log(pool.freeCount); // 1
 * frame.release();
 * pool.close();
 * heap.close();
 * ```
 */
export function createFramePool(heap: Heap, options: FramePoolOptions): FramePool {
  const action = ACTION;
  if (!Heap.isHeap(heap))
    throw wrongType({ action, name: 'heap' }, { must: 'be an open heap', received: heap, remedy: 'see openHeap()' });
  const plain = readOptions(options, action, ['length', 'layout', 'count', 'name', 'shareable']);
  checkInteger(plain.count, { action, name: 'count', min: 1, max: FRAME_COUNT_MAX });
  if (plain.name !== undefined) checkBufferName(plain.name, { action, name: 'name' });
  if (plain.shareable !== undefined) checkShareable(plain.shareable, { action, name: 'shareable' });
  return new FramePool(heap, { ...plain, length: checkLength(plain) });
}

function checkLength({ length, layout }: FramePoolOptions): number {
  if (layout !== undefined) return lengthOfFrame({ layout, length }, LENGTH);
  return checkInteger(length, { ...LENGTH, min: 1, max: Number.MAX_SAFE_INTEGER, unit: 'bytes' });
}

function allocateFrames(heap: Heap, options: CheckedPool, giveBack: (frame: FrameMemory) => void): FrameMemory[] {
  const { length, layout, count, name, shareable } = options;
  return withCleanup((cleanup) =>
    Array.from({ length: count }, (_, index) => {
      // By the class's own method: the heap may have another property of that name.
      const buffer = Heap.prototype.allocate.call(heap, length, {
        name: name === undefined ? '' : `${name}${index}`,
        shareable,
      });
      cleanup.defer(() => buffer.close());
      const view = buffer.vmap({ populate: true });
      cleanup.defer(() => view.close());
      return new FrameMemory(index, { buffer, view, layout: layout && new FrameLayout(layout, [buffer]) }, giveBack);
    }),
  );
}
