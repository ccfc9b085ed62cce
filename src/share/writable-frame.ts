import { inspect } from 'node:util';

import { checkOptions } from '../base/check.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { FrameDetails } from './ring-area.ts';
import { RingFrameUse } from './ring-frame-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';

/** Options of {@link WritableFrame.publish}. */
export interface PublishOptions {
  /** About the frame, at most the ring's `metadataBytes`; zeros follow it. Default: none. */
  readonly metadata?: Uint8Array | undefined;
  /** In ns. Default: now, by CLOCK_MONOTONIC, which is what cameras stamp their frames with. */
  readonly timestamp?: bigint | undefined;
}

/** What becomes of a frame that was taken to be written. */
interface FrameOutcome {
  readonly metadataBytes: number;
  /** Shows the frame to the consumers. Returns its sequence number. */
  publish(details: FrameDetails): number;
  discard(): void;
}

/** A frame of a ring that nobody else has, to be written and published. */
export class WritableFrame {
  /** Which frame of the ring, from 0. */
  readonly index: number;
  readonly #use: RingFrameUse;
  readonly #outcome: FrameOutcome;

  /** @internal */
  constructor(memory: RingFrameMemory, outcome: FrameOutcome) {
    this.index = memory.index;
    this.#use = new RingFrameUse(memory, 'write');
    this.#outcome = outcome;
  }

  /**
   * The frame's bytes: what an earlier use has left there. The first look begins CPU access, and publishing ends it.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it is published or discarded; `EAGAIN` while a device uses it: await `buffer.ready('write')`
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#use.bytes;
  }

  /** For devices. The same object each time this frame of the ring comes by; it belongs to the ring. */
  get buffer(): DmaBuf {
    return this.#use.memory.buffer;
  }

  /** Whether it is still to be published or discarded. */
  get inUse(): boolean {
    return !this.#use.ended;
  }

  /**
   * Shows the frame to the consumers, and wakes those that wait.
   *
   * @returns its sequence number: how many frames were published so far
   * @throws {TypeError | RangeError} for metadata or a timestamp that is none: the frame stays writable
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it was published or discarded before, or the ring is closed
   */
  publish(options: PublishOptions = {}): number {
    const details = this.#checkDetails(options);
    // Before anybody can see it: devices of consumers are to find what was written.
    this.#use.endAccess();
    let sequence = 0;
    this.#use.end(() => {
      sequence = this.#outcome.publish(details);
    });
    return sequence;
  }

  /** Gives the frame back unpublished. Again, or when it was published: does nothing. */
  discard(): void {
    if (this.inUse) this.#use.end(() => this.#outcome.discard());
  }

  [Symbol.dispose](): void {
    this.discard();
  }

  [inspect.custom](): string {
    return `WritableFrame { ${this.index}, ${this.inUse ? 'in use' : 'let go'} }`;
  }

  #checkDetails(options: PublishOptions): FrameDetails {
    checkOptions(options, 'publish the frame', ['metadata', 'timestamp']);
    const { metadata = new Uint8Array(0), timestamp = process.hrtime.bigint() } = options;
    if (!(metadata instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot publish the frame as its metadata must be a Uint8Array: current value is ${inspect(metadata)}`,
      );
    }
    const { metadataBytes } = this.#outcome;
    if (metadata.length > metadataBytes) {
      throw new RangeError(
        `Cannot publish the frame as its metadata must have at most ${metadataBytes} bytes: current value is ${metadata.length}; create the ring with more { metadataBytes }`,
      );
    }
    if (typeof timestamp !== 'bigint') {
      throw new TypeError(
        `Cannot publish the frame as its timestamp must be a bigint: current value is ${inspect(timestamp)}`,
      );
    }
    // A copy: consumers that come later get it as well.
    return { metadata: metadata.slice(), timestamp };
  }
}
