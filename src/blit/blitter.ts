import { inspect } from 'node:util';

import { assert } from '../base/assert.ts';
import type { WaitOptions } from '../base/abort.ts';
import { wrongType } from '../base/argument-error.ts';
import { checkInteger, readOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { WASM_MEMORY_BYTES_MAX } from '../base/limits.ts';
import { MiB } from '../base/sizes.ts';
import { beginBracket, beginBracketSync } from '../heap/cpu-bracket.ts';
import type { AccessSyncOptions } from '../heap/cpu-access.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import { endAfter, endAfterAsync } from '../heap/finally.ts';
import { createWasmSpace } from '../heap/wasm/wasm-space.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { blitJob, isScaled, scaledSize } from './blit-job.ts';
import { BLIT_SCRATCH_BYTES, BLIT_SIDE_MAX, instantiateBlitModule } from './blit-module.ts';
import type { BlitExports } from './blit-module.ts';
import { checkBlit, readBlitOptions } from './blit-options.ts';
import type { BlitOptions, BlitSide, CheckedBlit } from './blit-options.ts';
import { MappedBuffers } from './mapped-buffers.ts';
import { isPlainCopy, refuseOverlap, rowsOfRectangle } from './plane-copy.ts';
import { fillScaleTable } from './scale-table.ts';
import type { ScaleTable } from './scale-table.ts';

/** Options of {@link createBlitter}. */
export interface BlitterOptions {
  /**
   * Bytes of buffers that may be mapped at a time: at least those of one blit. Buffers stay mapped
   * after it, as long as there is room. Default: 512 MiB.
   */
  readonly length?: number | undefined;
}

/** Frames of a camera and of a screen, in 4K, several of each. */
const LENGTH_DEFAULT = 512 * MiB;

/** Of the module's tables. */
const WORDS_MAX = BLIT_SIDE_MAX;

/**
 * Copies rectangles between pictures in buffers, without a copy in or out: converts them, scales,
 * mirrors and turns them, with WebAssembly SIMD in one memory into which the buffers are mapped.
 *
 * A buffer is mapped by its first blit and stays so, which keeps its memory. It is let go by
 * {@link unmap}, by the next blit after it was closed, or when the room is needed.
 */
export class Blitter {
  readonly #buffers: MappedBuffers;
  readonly #module: BlitExports;
  readonly #words: Int32Array;
  readonly #tables: { readonly x: ScaleTable; readonly y: ScaleTable };
  #closed = false;

  /** @internal */
  constructor(length: number) {
    const space = createWasmSpace({ length, scratch: BLIT_SCRATCH_BYTES });
    this.#module = instantiateBlitModule(space.memory);
    this.#buffers = new MappedBuffers(space);
    const { jobOffset, scratchLength, linePixelsMax } = this.#module;
    assert(scratchLength.value <= space.scratchLength, 'The module must fit below the buffers');
    assert(linePixelsMax.value === BLIT_SIDE_MAX, 'The module must take the rectangles that are let through');
    const { buffer } = space.memory;
    this.#words = new Int32Array(buffer, jobOffset.value);
    const tableAt = ({ value }: { value: number }): Uint32Array => new Uint32Array(buffer, value, WORDS_MAX);
    const { xIndexOffset, xWeightOffset, yIndexOffset, yWeightOffset } = this.#module;
    this.#tables = {
      x: { indexes: tableAt(xIndexOffset), weights: tableAt(xWeightOffset) },
      y: { indexes: tableAt(yIndexOffset), weights: tableAt(yWeightOffset) },
    };
  }

  /** How many buffers are mapped now. */
  get mappedCount(): number {
    return this.#buffers.count;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Copies a rectangle of one picture to a rectangle of another: waits for the fences of their
   * buffers, then works between begin and end of CPU access to them. The work itself runs in this
   * thread.
   *
   * Results are at most 1 from those of double precision. Colour that pixels share (4:2:0, 4:2:2)
   * is given to each of them when it is read, and is their mean when it is written; of a rectangle
   * that begins or ends within such a group, those pixels' alone. Alpha is not read, and written as
   * opaque, but where a rectangle of the same format is copied as it is.
   *
   * @param source of one of {@link BLIT_FORMATS}, without tiling
   * @param destination likewise; it may share a buffer with the source, but no bytes
   * @throws {TypeError | RangeError} for pictures or options that are none; for rectangles that
   *   reach out of their picture, or overlap
   * @throws {DmaBufError} `ENOMEM` when the buffers do not fit into the blitter's length;
   *   `ERR_DMABUF_CLOSED` after its close, or a buffer's; what `DmaBuf.access` throws
   */
  async blit(source: FrameLayout, destination: FrameLayout, options: BlitOptions & WaitOptions = {}): Promise<void> {
    const plain = readBlitOptions<WaitOptions>(options, ['signal']);
    const checked = this.#check(source, destination, plain);
    const modes = accessModes(checked);
    const letGo = this.#buffers.hold([...modes.keys()]);
    const waiting = plain.signal === undefined ? {} : { signal: plain.signal };
    const within = async ([next, ...rest]: readonly (readonly [DmaBuf, AccessMode])[]): Promise<void> => {
      if (next === undefined) return this.#run(checked);
      const access = await beginBracket(...next, waiting);
      await endAfterAsync(
        () => within(rest),
        () => access.end(),
      );
    };
    await endAfterAsync(() => within([...modes]), letGo);
  }

  /**
   * As {@link blit}, at once.
   *
   * @throws what `DmaBuf.accessSync` throws besides: `EAGAIN` while fences stand against it
   */
  blitSync(source: FrameLayout, destination: FrameLayout, options: BlitOptions & AccessSyncOptions = {}): void {
    const plain = readBlitOptions<AccessSyncOptions>(options, ['block']);
    const checked = this.#check(source, destination, plain);
    const modes = accessModes(checked);
    const letGo = this.#buffers.hold([...modes.keys()]);
    const waiting = plain.block === undefined ? {} : { block: plain.block };
    const within = ([next, ...rest]: readonly (readonly [DmaBuf, AccessMode])[]): void => {
      if (next === undefined) return this.#run(checked);
      const access = beginBracketSync(...next, waiting);
      endAfter(
        () => within(rest),
        () => access.end(),
      );
    };
    endAfter(() => within([...modes]), letGo);
  }

  /**
   * Takes a buffer out of the blitter's memory, now or after the blits that wait for it.
   * Idempotent.
   *
   * @throws {TypeError} for what is no buffer
   */
  unmap(buffer: DmaBuf): void {
    if (!DmaBuf.isBuffer(buffer)) {
      throw wrongType({ action: 'unmap the buffer', name: 'buffer' }, { must: 'be a DmaBuf', received: buffer });
    }
    this.#buffers.unmap(buffer);
  }

  /** Lets go of every buffer, now or after the blits that wait for it. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#buffers.close();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `Blitter { ${this.mappedCount} buffers, ${this.#closed ? 'closed' : 'open'} }`;
  }

  #check(source: FrameLayout, destination: FrameLayout, options: BlitOptions): CheckedBlit {
    const checked = checkBlit({ source, destination }, options);
    refuseOverlap(checked);
    this.#checkOpen();
    return checked;
  }

  #checkOpen(): void {
    if (this.#closed) throw new DmaBufError('Cannot blit after the blitter was closed', { code: 'ERR_DMABUF_CLOSED' });
  }

  #run(blit: CheckedBlit): void {
    // It may have been closed during a wait.
    this.#checkOpen();
    if (isPlainCopy(blit)) return this.#copy(blit);
    if (isScaled(blit)) {
      const scaled = scaledSize(blit);
      const { width, height } = blit.source.rectangle;
      fillScaleTable(this.#tables.x, blit.filter, width, scaled.width);
      fillScaleTable(this.#tables.y, blit.filter, height, scaled.height);
    }
    const addresses = { source: this.#addresses(blit.source), destination: this.#addresses(blit.destination) };
    this.#words.set(blitJob(blit, addresses));
    this.#module.blit();
  }

  #copy({ source, destination }: CheckedBlit): void {
    const from = this.#addresses(source);
    const to = this.#addresses(destination);
    const toRows = rowsOfRectangle(destination);
    for (const [index, rows] of rowsOfRectangle(source).entries()) {
      this.#module.copyRows(
        (from[index] ?? 0) + rows.offset,
        source.frame.planes[index]?.stride ?? 0,
        (to[index] ?? 0) + (toRows[index]?.offset ?? 0),
        destination.frame.planes[index]?.stride ?? 0,
        rows.rowBytes,
        rows.rowCount,
      );
    }
  }

  /** Where each plane begins in the module's memory. */
  #addresses({ frame }: BlitSide): number[] {
    return frame.planes.map(({ buffer, offset }) => this.#buffers.offsetOf(buffer) + offset);
  }
}

/**
 * How each buffer is accessed. What is written in part is read too: caches hold more than the
 * rectangle's bytes, and write them back with it.
 */
function accessModes({ source, destination }: CheckedBlit): ReadonlyMap<DmaBuf, AccessMode> {
  const modes = new Map<DmaBuf, AccessMode>(source.frame.buffers.map((buffer) => [buffer, 'read']));
  const { width, height } = destination.rectangle;
  const isWhole = width === destination.frame.width && height === destination.frame.height;
  for (const buffer of destination.frame.buffers)
    modes.set(buffer, isWhole && !modes.has(buffer) ? 'write' : 'readwrite');
  return modes;
}

/**
 * Makes a blitter. It has a WebAssembly memory, for which V8 reserves about 10 GiB of addresses:
 * make one and keep it.
 *
 * @throws {TypeError | RangeError} for a length or an option that is none
 * @throws {DmaBufError} `ENOMEM` when there is no address space; `ENOSYS` where Node runs without
 *   WebAssembly, or the processor without SIMD
 *
 * @example
 * ```ts
 * import { openHeap } from 'dmabuf';
 * import { createBlitter } from 'dmabuf/blit';
 * import { FrameLayout, describeFrame } from 'dmabuf/picture';
 *
 * const heap = openHeap('system');
 * const camera = describeFrame('YUYV', { width: 640, height: 480 });
 * const screen = describeFrame('XRGB8888', { width: 640, height: 480 });
 * const frame = new FrameLayout(camera, [heap.allocate(camera.length)]);
 * const picture = new FrameLayout(screen, [heap.allocate(screen.length)]);
 * frame.accessSync('write', ([plane]) => plane?.bytes.fill(128));
 *
 * const blitter = createBlitter();
 * blitter.blitSync(frame, picture);
 * picture.accessSync('read', ([plane]) => console.log(plane?.row(0).subarray(0, 4).join(' '))); // 130 130 130 255
 * blitter.close();
 * for (const { buffers } of [frame, picture]) for (const buffer of buffers) buffer.close();
 * heap.close();
 * ```
 */
export function createBlitter(options: BlitterOptions = {}): Blitter {
  const action = 'make a blitter';
  const { length = LENGTH_DEFAULT } = readOptions(options, action, ['length']);
  const max = WASM_MEMORY_BYTES_MAX - BLIT_SCRATCH_BYTES;
  return new Blitter(checkInteger(length, { action, name: 'length', min: 1, max, unit: 'bytes' }));
}
