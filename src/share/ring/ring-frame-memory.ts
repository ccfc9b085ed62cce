import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { CpuAccess } from '../../heap/cpu-access.ts';
import type { BufferView } from '../../heap/view.ts';
import type { FrameDescription } from '../../picture/frame-description.ts';
import { planeOfFrame } from '../../picture/frame-bytes.ts';
import { FrameLayout } from '../../picture/frame-layout.ts';
import type { PlaneView } from '../../picture/plane-view.ts';

/** The common properties of a ring's frames. */
interface RingFrameShape {
  /** In bytes. */
  readonly frameLength: number;
  readonly layout: FrameDescription | undefined;
}

/** A frame's buffer, mapped while it is part of the ring in this process. */
export class RingFrameMemory {
  readonly index: number;
  readonly buffer: DmaBuf;
  /** As long as a frame, not as the buffer, which is whole pages. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** The picture in it, in a ring with a layout. */
  readonly layout: FrameLayout | undefined;
  readonly #view: BufferView;
  #inUse = false;
  #retired = false;

  /** Takes ownership of the buffer, once nothing can fail any more. */
  constructor(index: number, buffer: DmaBuf, { frameLength, layout }: RingFrameShape) {
    this.index = index;
    this.buffer = buffer;
    this.layout = layout && new FrameLayout(layout, [buffer]);
    // Faulted in now: it is mapped once and used many times, without page faults.
    this.#view = buffer.vmap({ populate: true });
    this.bytes = this.#view.subarray(0, frameLength);
  }

  /** Begins a use of the frame: until {@link giveBack} it stays mapped. */
  use(): void {
    this.#inUse = true;
  }

  giveBack(): void {
    this.#inUse = false;
    if (this.#retired) this.#close();
  }

  /** Removes it from the ring: closes it, now or when it is given back. */
  retire(): void {
    this.#retired = true;
    if (!this.#inUse) this.#close();
  }

  #close(): void {
    runAllSteps([() => this.#view.close(), () => this.buffer.close()], 'A frame could not be closed');
  }
}

/**
 * Maps buffers as the frames of a ring, and takes ownership of them. When one cannot be mapped, the
 * earlier ones are closed again.
 */
export function mapRingFrames(buffers: readonly DmaBuf[], shape: RingFrameShape): RingFrameMemory[] {
  return withCleanup((cleanup) =>
    buffers.map((buffer, index) => {
      const memory = new RingFrameMemory(index, buffer, shape);
      cleanup.defer(() => memory.retire());
      return memory;
    }),
  );
}

/**
 * One use of a frame. A use that has ended throws: the frame may belong to another consumer by
 * then.
 *
 * CPU access begins with the first access to the bytes: code that passes the frame only to devices
 * does not pay for cache maintenance.
 */
export class RingFrameUse {
  readonly #mode: 'read' | 'write';
  #memory: RingFrameMemory | undefined;
  #access: CpuAccess | undefined;

  constructor(memory: RingFrameMemory, mode: 'read' | 'write') {
    this.#memory = memory;
    this.#mode = mode;
    memory.use();
  }

  get ended(): boolean {
    return this.#memory === undefined;
  }

  get memory(): RingFrameMemory {
    if (this.#memory !== undefined) return this.#memory;
    throw new DmaBufError('Cannot use a frame of the ring after it was let go: take another', {
      code: 'ERR_DMABUF_CLOSED',
    });
  }

  get bytes(): Uint8Array<SharedArrayBuffer> {
    const { buffer, bytes } = this.memory;
    this.#access ??= buffer.beginCpuAccessSync(this.#mode);
    return bytes;
  }

  /** A plane of the picture, valid until the release of the frame. */
  plane(index: number): PlaneView {
    return planeOfFrame(this.memory.layout, index, () => this.bytes);
  }

  /** From now on devices see what was written. */
  endAccess(): void {
    const access = this.#access;
    this.#access = undefined;
    access?.end();
  }

  /** Ends the access, runs `after`, and gives the frame back: all three on every exit. */
  end(after: () => void): void {
    const { memory } = this;
    this.#memory = undefined;
    runAllSteps([() => this.endAccess(), after, () => memory.giveBack()], 'A frame could not be let go');
  }
}
