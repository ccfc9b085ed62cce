import { inspect } from 'node:util';

import type { DmaBuf } from '../heap/dma-buf.ts';
import type { RingClaim } from './ring-claims.ts';
import { RingFrameUse } from './ring-frame-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';

/** A published frame. Until it is released, its producer leaves it alone, also when either side of the ring is closed. */
export class RingFrame {
  /** Counts what was published, from 1. */
  readonly sequence: number;
  /** When it was published, in ns of CLOCK_MONOTONIC, as `process.hrtime.bigint()` has it; or what the producer says. */
  readonly timestamp: bigint;
  /** What the producer says about it: a copy, of the ring's `metadataBytes`. */
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
   * The frame's bytes, to be read. The first look begins CPU access, and the release ends it.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the release; `EAGAIN` while a device writes: await `buffer.ready('read')`
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#use.bytes;
  }

  /** For devices. The same object each time this frame of the ring comes by; it belongs to the ring. */
  get buffer(): DmaBuf {
    return this.#use.memory.buffer;
  }

  get released(): boolean {
    return this.#use.ended;
  }

  /** Gives the frame back to the producer. Again: does nothing. */
  release(): void {
    if (!this.#use.ended) this.#use.end(this.#letGo);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [inspect.custom](): string {
    return `RingFrame { ${this.sequence}, ${this.released ? 'released' : 'held'} }`;
  }
}
