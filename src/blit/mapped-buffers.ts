import { runAllSteps } from '../base/cleanup.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { WasmMapping, WasmSpace } from '../heap/wasm/wasm-space.ts';

/** A buffer in the space. */
interface MappedBuffer {
  readonly buffer: DmaBuf;
  readonly mapping: WasmMapping;
  /** How many blits need it now. */
  userCount: number;
  /** Whether the blit that it was mapped for has not got all of its buffers yet. */
  isNew: boolean;
}

/**
 * Buffers that stay in a wasm space after they were used there. Those used least recently make room
 * for others.
 */
export class MappedBuffers {
  readonly #space: WasmSpace;
  /** The one used last comes last. */
  readonly #mapped = new Map<DmaBuf, MappedBuffer>();
  /** What was to leave while it was in use, does so then. */
  readonly #leaving = new Set<MappedBuffer>();
  #closed = false;

  constructor(space: WasmSpace) {
    this.#space = space;
  }

  /** How many buffers lie in the space. */
  get count(): number {
    return this.#mapped.size;
  }

  /**
   * Has buffers in the space until the returned function is called, at least.
   *
   * @throws what `WasmSpace.map` throws; then none is held, and what was mapped for it is out again
   */
  hold(buffers: readonly DmaBuf[]): () => void {
    const held: MappedBuffer[] = [];
    const letGo = (): void =>
      runAllSteps(
        held.splice(0).map((mapped) => () => this.#drop(mapped)),
        'Several buffers could not be taken out of the wasm space',
      );
    try {
      this.#forgetClosed();
      for (const buffer of buffers) held.push(this.#take(buffer));
    } catch (error) {
      for (const mapped of held) if (mapped.isNew) this.#leaving.add(mapped);
      letGo();
      throw error;
    }
    for (const mapped of held) mapped.isNew = false;
    return letGo;
  }

  /** Where a buffer that is held begins. */
  offsetOf(buffer: DmaBuf): number {
    return this.#mapped.get(buffer)?.mapping.offset ?? 0;
  }

  /** Takes a buffer out, now or after the blits that need it. */
  unmap(buffer: DmaBuf): void {
    const mapped = this.#mapped.get(buffer);
    if (mapped === undefined) return;
    if (mapped.userCount > 0) this.#leaving.add(mapped);
    else this.#takeOut(mapped);
  }

  /** Takes every buffer out, now or after the blits that need it. */
  close(): void {
    this.#closed = true;
    runAllSteps(
      [...this.#mapped.keys()].map((buffer) => () => this.unmap(buffer)),
      'Several buffers could not be taken out of the wasm space',
    );
    this.#closeSpaceWhenEmpty();
  }

  #take(buffer: DmaBuf): MappedBuffer {
    const mapped = this.#mapped.get(buffer) ?? {
      buffer,
      mapping: this.#mapMakingRoom(buffer),
      userCount: 0,
      isNew: true,
    };
    mapped.userCount += 1;
    this.#mapped.delete(buffer);
    this.#mapped.set(buffer, mapped);
    return mapped;
  }

  /** Takes others out one by one, until it fits. */
  #mapMakingRoom(buffer: DmaBuf): WasmMapping {
    for (;;) {
      try {
        return this.#space.map(buffer);
      } catch (error) {
        const idle = this.#leastRecentlyUsed();
        if (!isDmaBufError(error, 'ENOMEM') || idle === undefined) throw error;
        this.#takeOut(idle);
      }
    }
  }

  #leastRecentlyUsed(): MappedBuffer | undefined {
    for (const mapped of this.#mapped.values()) if (mapped.userCount === 0) return mapped;
    return undefined;
  }

  #drop(mapped: MappedBuffer): void {
    mapped.userCount -= 1;
    if (mapped.userCount === 0 && (this.#leaving.delete(mapped) || this.#closed)) this.#takeOut(mapped);
    this.#closeSpaceWhenEmpty();
  }

  /** Their memory goes back to the heap. */
  #forgetClosed(): void {
    for (const mapped of this.#mapped.values()) {
      if (mapped.buffer.closed && mapped.userCount === 0) this.#takeOut(mapped);
    }
  }

  #takeOut(mapped: MappedBuffer): void {
    mapped.mapping.close();
    this.#mapped.delete(mapped.buffer);
  }

  #closeSpaceWhenEmpty(): void {
    if (this.#closed && this.#mapped.size === 0) this.#space.close();
  }
}
