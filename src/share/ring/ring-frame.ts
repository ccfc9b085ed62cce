import { inspect } from 'node:util';

import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { FrameLayout } from '../../picture/frame-layout.ts';
import type { PlaneView } from '../../picture/plane-view.ts';
import type { RingClaim } from './ring-claims.ts';
import { RingFrameUse } from './ring-frame-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';

/**
 * A published frame. Until its release, its producer does not change it, even when either side of
 * the ring is closed.
 */
export class RingFrame {
  /** Counts published frames, from 1. */
  readonly sequence: number;
  /**
   * When it was published, in ns of CLOCK_MONOTONIC, like `process.hrtime.bigint()`; or the
   * producer's own timestamp.
   */
  readonly timestamp: bigint;
  /** The producer's metadata: a copy, of the ring's `metadataBytes`. */
  readonly metadata: Uint8Array;
  readonly #use: RingFrameUse;
  readonly #letGo: () => void;

  /** @internal */
  constructor(claim: RingClaim, memory: RingFrameMemory, letGo: () => void) {
    this.sequence = claim.sequence;
    this.timestamp = claim.timestamp;
    this.metadata = claim.metadata;
    this.#use = new RingFrameUse(memory, 'read');
    this.#letGo = letGo;
  }

  /**
   * The frame's bytes, for reading. The first access begins CPU access, and the release ends it.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the release; `EAGAIN` while a device writes:
   *   await `buffer.ready('read')`
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#use.bytes;
  }

  /** For devices. The same object for every use of this frame of the ring, which owns it. */
  get buffer(): DmaBuf {
    return this.#use.memory.buffer;
  }

  /**
   * The picture in {@link buffer}: its size, its format, and where its planes lie. Undefined in a
   * ring that was created without `layout`.
   */
  get layout(): FrameLayout | undefined {
    return this.#use.memory.layout;
  }

  /**
   * A plane of the picture, row by row, in {@link bytes}: it need not be closed.
   *
   * @param index from 0
   * @throws {TypeError | RangeError} for a plane that does not exist
   * @throws {DmaBufError} `EOPNOTSUPP` in a ring without layout; the errors of {@link bytes}, here
   *   and from the plane's own bytes
   */
  plane(index: number): PlaneView {
    return this.#use.plane(index);
  }

  /** Whether `release()` was called. */
  get released(): boolean {
    return this.#use.ended;
  }

  /** Gives the frame back to the producer. Idempotent. */
  release(): void {
    if (!this.#use.ended) this.#use.end(this.#letGo);
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `RingFrame { ${this.sequence}, ${this.released ? 'released' : 'held'} }`;
  }
}
