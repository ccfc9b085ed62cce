import { inspect } from 'node:util';

import type { WaitOptions } from '../base/abort.ts';
import { outOfRange, wrongType } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkInteger, readOptions, readWaitOptions } from '../base/check.ts';
import { readArray } from '../base/read-array.ts';
import type { AccessSyncOptions, CpuAccess } from '../heap/cpu-access.ts';
import { endAfter, endAfterAsync } from '../heap/finally.ts';
import { checkBody, refusePromise } from '../heap/cpu-access.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import type { VmapOptions } from '../heap/vmap-options.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { FrameDescription, labelOf } from './frame-description.ts';
import { PLANE_COUNT_MAX, rowsOfFrame } from './frame-flaw.ts';
import type { PlaneDescription } from './frame-flaw.ts';
import { PlaneView } from './plane-view.ts';
import type { PlaneMemory } from './plane-view.ts';

/** A plane in its buffer. */
export interface FramePlane {
  /** The buffer that the plane lies in. */
  readonly buffer: DmaBuf;
  /** In bytes, from the start of the buffer. */
  readonly offset: number;
  /** From the start of one row to the start of the next, in bytes. 0 where there are no rows. */
  readonly stride: number;
  /** In bytes, including any bytes after each row. */
  readonly length: number;
}

/**
 * A picture in buffers: its size, its format, and where its planes lie. Cameras, screens, rings and
 * messages carry it.
 *
 * A layout does not own the buffers: it neither keeps nor closes them.
 *
 * @example
 * ```ts
 * import { openHeap } from 'dmabuf';
 * import { FrameLayout, describeFrame } from 'dmabuf/picture';
 *
 * const heap = openHeap('system');
 * const description = describeFrame('XRGB8888', { width: 640, height: 480 });
 * const buffer = heap.allocate(description.length);
 * const layout = new FrameLayout(description, [buffer]);
 * console.log(layout.planes[0]?.stride); // 2560
 * buffer.close();
 * heap.close();
 * ```
 */
export class FrameLayout {
  /** Every buffer that a plane lies in, once. */
  readonly buffers: readonly DmaBuf[];
  /** One per plane of the format, in its order. */
  readonly planes: readonly FramePlane[];
  readonly #description: FrameDescription;

  /**
   * Lays a frame over buffers.
   *
   * @param description a result of `describeFrame`
   * @param buffers as many as the description has, each long enough for its planes
   * @throws {TypeError | RangeError} for other buffers
   */
  constructor(description: FrameDescription, buffers: readonly DmaBuf[]) {
    this.#description = checkDescription(description, { action: 'lay out the frame', name: 'description' });
    this.buffers = Object.freeze(checkBuffers(description, buffers));
    this.planes = Object.freeze(
      description.planes.map(({ bufferIndex, ...place }) =>
        Object.freeze({ buffer: this.buffers[bufferIndex] as DmaBuf, ...place }),
      ),
    );
    Object.freeze(this);
  }

  /** The layout without its buffers, for reuse with others. */
  get description(): FrameDescription {
    return this.#description;
  }

  /** In pixels. */
  get width(): number {
    return this.description.width;
  }

  /** In pixels. */
  get height(): number {
    return this.description.height;
  }

  /** The pixel format's number, as DRM has it. */
  get fourcc(): Fourcc {
    return this.description.fourcc;
  }

  /** How pixels lie within a plane: `DRM_FORMAT_MOD_LINEAR` for rows one after the other. */
  get modifier(): bigint {
    return this.description.modifier;
  }

  /**
   * A plane, row by row: maps its buffer like `DmaBuf.vmap`. Close it when done. It has no access
   * bracket: use {@link access} where devices read or write.
   *
   * @param index from 0
   * @throws {TypeError | RangeError} for a plane that does not exist
   * @throws {DmaBufError} as `DmaBuf.vmap`
   */
  plane(index: number, options: VmapOptions = {}): PlaneView {
    const { bufferIndex } = planeOf(this.description, index);
    const view = (this.buffers[bufferIndex] as DmaBuf).vmap(options);
    return viewOfPlane(this.description, index, {
      part: (offset, length) => view.subarray(offset, length),
      close: () => view.close(),
    });
  }

  /**
   * Uses the picture with the CPU: waits for the fences of all its buffers, then runs `body`
   * between begin and end of CPU access to them, as `DmaBuf.access` does for one.
   *
   * @param body gets the planes, valid while it runs
   * @returns what `body` returns
   * @throws what `DmaBuf.access` throws
   */
  async access<Result>(
    mode: AccessMode,
    body: (planes: readonly PlaneView[]) => Promise<Result> | Result,
    options: WaitOptions = {},
  ): Promise<Result> {
    const plain = readWaitOptions(options, 'access the frame');
    checkBody(body);
    const within = async (accesses: readonly CpuAccess[]): Promise<Result> => {
      const buffer = this.buffers[accesses.length];
      if (buffer === undefined) return await body(this.#planesOf(accesses));
      const access = await buffer.beginCpuAccess(mode, plain);
      return await endAfterAsync(
        () => within([...accesses, access]),
        () => access.end(),
      );
    };
    return await within([]);
  }

  /**
   * As {@link access}, without waiting.
   *
   * @throws what `DmaBuf.accessSync` throws
   */
  accessSync<Result>(
    mode: AccessMode,
    body: (planes: readonly PlaneView[]) => Result,
    options: AccessSyncOptions = {},
  ): Result {
    const plain = readOptions(options, 'access the frame', ['block']);
    checkBody(body);
    const within = (accesses: readonly CpuAccess[]): Result => {
      const buffer = this.buffers[accesses.length];
      if (buffer === undefined) return refusePromise(body(this.#planesOf(accesses)));
      const access = buffer.beginCpuAccessSync(mode, plain);
      return endAfter(
        () => within([...accesses, access]),
        () => access.end(),
      );
    };
    return within([]);
  }

  /** Whether a value is a layout, regardless of its class. @internal */
  static isLayout(value: unknown): value is FrameLayout {
    return typeof value === 'object' && value !== null && #description in value;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const places = this.planes.map(({ offset, stride }) => `${stride} at ${offset}`);
    return `FrameLayout { ${labelOf(this)}, strides ${places.join(', ')}, ${this.buffers.length} buffers }`;
  }

  #planesOf(accesses: readonly CpuAccess[]): PlaneView[] {
    return this.description.planes.map(({ bufferIndex }, index) =>
      viewOfPlane(this.description, index, {
        part: (offset, length) => (accesses[bufferIndex] as CpuAccess).subarray(offset, length),
        // The access closes its planes itself.
        close: () => {},
      }),
    );
  }
}

/** @throws {TypeError | RangeError} for a plane that does not exist */
function planeOf(description: FrameDescription, index: number): PlaneDescription {
  const max = description.planes.length - 1;
  return description.planes[
    checkInteger(index, { action: `take a plane of ${labelOf(description)}`, name: 'index', min: 0, max })
  ] as PlaneDescription;
}

/**
 * A plane of a picture, in the bytes of its buffer.
 *
 * @throws {TypeError | RangeError} for a plane that does not exist
 */
export function viewOfPlane(description: FrameDescription, index: number, memory: PlaneMemory): PlaneView {
  const { offset, stride, length } = planeOf(description, index);
  const rows = rowsOfFrame(description, description.format, index);
  return new PlaneView({ label: `plane ${index} of ${labelOf(description)}`, offset, stride, length, rows }, memory);
}

/** @throws {TypeError} when it is not a description */
export function checkDescription(description: unknown, argument: Argument): FrameDescription {
  if (FrameDescription.isDescription(description)) return description;
  throw wrongType(argument, { must: 'be what describeFrame() gives', received: description });
}

function checkBuffers(description: FrameDescription, list: unknown): DmaBuf[] {
  const action = `lay out ${labelOf(description)}`;
  const argument = { action, name: 'buffers' };
  const buffers = readArray(list, { ...argument, countMax: PLANE_COUNT_MAX }, (buffer, index) => {
    if (DmaBuf.isBuffer(buffer)) return buffer;
    throw wrongType({ action, name: `buffers[${index}]` }, { must: 'be a DmaBuf', received: buffer });
  });
  const { bufferLengths } = description;
  if (buffers.length !== bufferLengths.length)
    throw outOfRange(argument, {
      must: `be the ${bufferLengths.length} that its planes lie in`,
      received: buffers,
      shown: `${buffers.length}`,
    });
  for (const [index, needed] of bufferLengths.entries()) {
    const { length } = buffers[index] as DmaBuf;
    if (length < needed)
      throw outOfRange(
        { action, name: `buffers[${index}].length` },
        { must: `be at least ${needed} bytes`, received: length },
      );
  }
  return buffers;
}
