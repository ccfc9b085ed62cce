import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { CpuAccess } from '../heap/cpu-access.ts';
import type { BufferView } from '../heap/view.ts';

/** A frame's buffer, mapped for as long as it is part of the ring in this process. */
export class RingFrameMemory {
  readonly index: number;
  readonly buffer: DmaBuf;
  /** As long as the ring's frames, not as the buffer, which is whole pages. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly #view: BufferView;
  #inUse = false;
  #retired = false;

  /** Takes the buffer over, once nothing can fail any more. */
  constructor(index: number, buffer: DmaBuf, frameLength: number) {
    this.index = index;
    this.buffer = buffer;
    // No page fault when a frame is used: it is mapped once, for many uses.
    this.#view = buffer.vmap({ populate: true });
    this.bytes = this.#view.subarray(0, frameLength);
  }

  /** Somebody uses the frame: until {@link giveBack} it stays mapped. */
  use(): void {
    this.#inUse = true;
  }

  giveBack(): void {
    this.#inUse = false;
    if (this.#retired) this.#close();
  }

  /** It is no part of the ring any more: closes it, now or when it is given back. */
  retire(): void {
    this.#retired = true;
    if (!this.#inUse) this.#close();
  }

  #close(): void {
    runAllSteps([() => this.#view.close(), () => this.buffer.close()], 'A frame could not be closed');
  }
}

/** Maps buffers as the frames of a ring, and takes them over. When one cannot be mapped, those before it are closed again. */
export function mapRingFrames(buffers: readonly DmaBuf[], frameLength: number): RingFrameMemory[] {
  return withCleanup((cleanup) =>
    buffers.map((buffer, index) => {
      const memory = new RingFrameMemory(index, buffer, frameLength);
      cleanup.defer(() => memory.retire());
      return memory;
    }),
  );
}

/**
 * One use of a frame. Whoever keeps the use when it has ended reaches nothing by it: the frame may be another's then.
 *
 * CPU access begins with the first look at the bytes: who only lets devices at the frame pays for no cache maintenance.
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

  /** What was written is seen by devices from now on. */
  endAccess(): void {
    const access = this.#access;
    this.#access = undefined;
    access?.end();
  }

  /** Ends the access, then runs `after`, then gives the frame back: all of it on every exit. */
  end(after: () => void): void {
    const { memory } = this;
    this.#memory = undefined;
    runAllSteps([() => this.endAccess(), after, () => memory.giveBack()], 'A frame could not be let go');
  }
}
