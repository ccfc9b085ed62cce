import { inspect, types } from 'node:util';

import { outOfRange, wrongType } from '../../base/argument-error.ts';
import { readOptions } from '../../base/check.ts';
import { copyOfBytes } from '../../base/typed-array.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { FrameLayout } from '../../picture/frame-layout.ts';
import type { PlaneView } from '../../picture/plane-view.ts';
import type { FrameDetails } from './ring-area.ts';
import { RingFrameUse } from './ring-frame-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';

/** Options of {@link WritableFrame.publish}. */
export interface PublishOptions {
  /**
   * Metadata of the frame, at most the ring's `metadataBytes`, followed by zeros. Default: none.
   */
  readonly metadata?: Uint8Array | undefined;
  /** In ns. Default: now, by CLOCK_MONOTONIC, the clock of cameras' timestamps. */
  readonly timestamp?: bigint | undefined;
}

/** The end of a frame that was taken to be written. */
interface FrameOutcome {
  readonly metadataBytes: number;
  /** Shows the frame to the consumers. Returns its sequence number. */
  publish(details: FrameDetails): number;
  discard(): void;
}

/** A frame of a ring that no other code uses, to be written and published. */
export class WritableFrame {
  /** The index of the frame in the ring, from 0. */
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
   * The frame's bytes, with the contents of an earlier use. The first access begins CPU access, and
   * publishing ends it.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it is published or discarded; `EAGAIN` while a
   *   device uses it: await `buffer.ready('write')`
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

  /** Whether it is still to be published or discarded. */
  get inUse(): boolean {
    return !this.#use.ended;
  }

  /**
   * Shows the frame to the consumers, and wakes those that wait.
   *
   * @returns its sequence number: the number of frames published so far
   * @throws {TypeError | RangeError} for invalid metadata or an invalid timestamp: the frame stays
   *   writable
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it was published or discarded before, or the
   *   ring is closed
   */
  publish(options: PublishOptions = {}): number {
    const details = this.#checkDetails(options);
    // Before a consumer can see it, so that its devices find what was written.
    this.#use.endAccess();
    let sequence = 0;
    this.#use.end(() => {
      sequence = this.#outcome.publish(details);
    });
    return sequence;
  }

  /** Gives the frame back unpublished. Idempotent, and without effect after publishing. */
  discard(): void {
    if (this.inUse) this.#use.end(() => this.#outcome.discard());
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.discard();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `WritableFrame { ${this.index}, ${this.inUse ? 'in use' : 'let go'} }`;
  }

  #checkDetails(options: PublishOptions): FrameDetails {
    const action = 'publish the frame';
    const plain = readOptions(options, action, ['metadata', 'timestamp']);
    const { metadata: given = new Uint8Array(0), timestamp = process.hrtime.bigint() } = plain;
    const argument = { action, name: 'metadata' };
    if (!types.isUint8Array(given)) throw wrongType(argument, { must: 'be a Uint8Array', received: given });
    // A copy: consumers that join later get it as well. Made without a method of the caller's.
    const metadata = copyOfBytes(given, argument);
    const { metadataBytes } = this.#outcome;
    if (metadata.length > metadataBytes) {
      const remedy = 'create the ring with more { metadataBytes }';
      const must = `have at most ${metadataBytes} bytes`;
      throw outOfRange(argument, { must, received: metadata.length, remedy });
    }
    if (typeof timestamp !== 'bigint')
      throw wrongType({ action, name: 'timestamp' }, { must: 'be a bigint of nanoseconds', received: timestamp });
    return { metadata, timestamp };
  }
}
