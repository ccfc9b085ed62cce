import { inspect } from 'node:util';

import { checkBoolean, checkOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { Heap } from '../heap/heap.ts';
import { BufferConnection } from './buffer-connection.ts';
import type { ShareWaitOptions } from './buffer-connection.ts';
import type { BufferListener } from './buffer-listener.ts';
import { checkFrameRing } from './frame-ring-options.ts';
import type { CheckedRing, FrameRingOptions } from './frame-ring-options.ts';
import { RingChanges } from './ring-changes.ts';
import { mapRingFrames } from './ring-frame-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';
import type { RingConsumerStats } from './ring-member.ts';
import { RingMembers } from './ring-members.ts';
import type { AddConsumerOptions } from './ring-members.ts';
import { RingPublisher } from './ring-publisher.ts';
import { completeSteps } from './ring-steps.ts';
import { WritableFrame } from './writable-frame.ts';

/** What a ring is doing. */
export interface FrameRingStats {
  readonly frameCount: number;
  /** How many frames were published so far. */
  readonly published: number;
  /** How many frames are being written. */
  readonly writableCount: number;
  readonly consumers: readonly RingConsumerStats[];
  /** Connections of {@link FrameRing.serve} that did not become consumers. */
  readonly refusedCount: number;
}

/**
 * The producer's end of a frame ring: frames that are written here and read in other processes, without a copy. Close it when done;
 * until then, its consumers keep the program alive.
 *
 * As many frames are set aside as each consumer may hold, so {@link acquire} never has to wait for any, unless it was added with
 * `block`.
 */
export class FrameRing {
  readonly frameLength: number;
  readonly frameCount: number;
  readonly metadataBytes: number;
  readonly writableMax: number;
  readonly #frames: readonly RingFrameMemory[];
  readonly #publisher: RingPublisher;
  readonly #members: RingMembers;
  readonly #changes = new RingChanges();
  #waiterCount = 0;
  #refusedCount = 0;
  #closed = false;

  /** @internal */
  constructor(frames: readonly RingFrameMemory[], options: CheckedRing) {
    this.frameLength = options.frameLength;
    this.frameCount = options.frameCount;
    this.metadataBytes = options.metadataBytes;
    this.writableMax = options.writableMax;
    this.#frames = frames;
    this.#publisher = new RingPublisher(options.frameCount);
    this.#members = new RingMembers({
      options,
      publisher: this.#publisher,
      buffers: frames.map(({ buffer }) => buffer),
      changed: () => this.#changes.wakeAll(),
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes a frame to write: the one published longest ago of those that nobody needs.
   *
   * @throws {DmaBufError} `EAGAIN` when `writableMax` are being written, or a consumer added with `block` has to take frames first
   */
  acquire(): WritableFrame {
    this.#checkOpen('take a frame of');
    const frame = this.#tryAcquire();
    if (frame !== undefined) return frame;
    const { size } = this.#publisher.writing;
    const why =
      size >= this.writableMax
        ? `${size} are being written: publish or discard one, or create the ring with more { writableMax }`
        : 'a consumer that the ring waits for has not taken what was published: await acquireWhenFree()';
    throw new DmaBufError(`Cannot take a frame of the ring as ${why}`, { code: 'EAGAIN' });
  }

  /** Takes a frame as soon as {@link acquire} can. Rejects with the abort reason, or with `ERR_DMABUF_CLOSED` when the ring closes. */
  async acquireWhenFree(options: ShareWaitOptions = {}): Promise<WritableFrame> {
    checkOptions(options, 'take a frame of the ring', ['signal']);
    for (;;) {
      options.signal?.throwIfAborted();
      this.#checkOpen('take a frame of');
      const frame = this.#tryAcquire() ?? this.#announceWait();
      if (frame !== undefined) return frame;
      this.#waiterCount += 1;
      try {
        await this.#changes.next(options.signal);
      } finally {
        this.#waiterCount -= 1;
      }
    }
  }

  /**
   * Lets the process at the other end of a connection join, which calls `joinFrameRing`. The connection belongs to the ring from then
   * on, also when this fails: it is closed. The consumer begins with the newest frame.
   *
   * @throws {TypeError} for what is no connection, or an option that is none: the connection stays the caller's
   * @throws {DmaBufError} `EBUSY` when there are too few frames for what the consumer wants to hold; `EPROTO` when it says what makes
   *   no sense; `EPIPE` when it is gone; `ERR_DMABUF_CLOSED` when the ring is closed, before or meanwhile
   * @throws the abort reason when given up
   */
  async addConsumer(connection: BufferConnection, options: AddConsumerOptions = {}): Promise<void> {
    if (!(connection instanceof BufferConnection)) {
      throw new TypeError('Cannot add a consumer as it takes a connection to it: see listenForBuffers()');
    }
    checkOptions(options, 'add the consumer', ['block', 'signal']);
    checkBoolean(options.block ?? false, 'block for the consumer');
    await this.#members.add(connection, options);
  }

  /** Adds everybody who connects, until the listener is closed. Those that cannot join are counted in `refusedCount`. */
  async serve(listener: BufferListener, options: Pick<AddConsumerOptions, 'block'> = {}): Promise<void> {
    checkOptions(options, 'serve the ring', ['block']);
    checkBoolean(options.block ?? false, 'block for the consumers');
    for await (const connection of listener) void this.#addOrCount(connection, options);
  }

  stats(): FrameRingStats {
    return {
      frameCount: this.frameCount,
      published: this.#publisher.sequence,
      writableCount: this.#publisher.writing.size,
      consumers: this.#members.stats(),
      refusedCount: this.#refusedCount,
    };
  }

  /**
   * Ends the ring. Consumers take what they have not taken yet, and find the end behind it; what they hold stays. Frames that are being
   * written are closed when they are discarded. Again: does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const frames = this.#frames.map((frame) => () => frame.retire());
    this.#changes.wakeAll();
    runAllSteps([() => this.#members.close(), ...frames], 'The frame ring could not be closed');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const state = this.#closed ? 'closed' : 'open';
    return `FrameRing { ${this.frameCount} frames of ${this.frameLength} bytes, ${state}, ${this.#members.count} consumers, ${this.#publisher.sequence} published }`;
  }

  #tryAcquire(): WritableFrame | undefined {
    if (this.#publisher.writing.size >= this.writableMax) return undefined;
    const index = completeSteps(this.#publisher.claim());
    const memory = this.#frames[index ?? -1];
    if (memory === undefined) return undefined;
    if (this.#waiterCount === 0) completeSteps(this.#publisher.endWait());
    return new WritableFrame(memory, {
      metadataBytes: this.metadataBytes,
      publish: (details) => {
        this.#checkOpen('publish to');
        const sequence = completeSteps(this.#publisher.publish(memory.index, details));
        this.#changes.wakeAll();
        return sequence;
      },
      discard: () => {
        this.#publisher.discard(memory.index);
        this.#changes.wakeAll();
      },
    });
  }

  /** Has the consumers wake this producer, unless a frame is free already, which it returns. */
  #announceWait(): WritableFrame | undefined {
    completeSteps(this.#publisher.announceWait());
    return this.#tryAcquire();
  }

  async #addOrCount(connection: BufferConnection, options: AddConsumerOptions): Promise<void> {
    try {
      await this.addConsumer(connection, options);
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      this.#refusedCount += 1;
    }
  }

  #checkOpen(action: string): void {
    if (!this.#closed) return;
    throw new DmaBufError(`Cannot ${action} the frame ring after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

/**
 * Makes a frame ring, whose frames are allocated, mapped and faulted in now. The heap may be closed at once.
 *
 * @throws {RangeError | TypeError} for an option that is none
 * @throws {DmaBufError} as `allocate` and `vmap` do; then no frame is left
 */
export function createFrameRing(heap: Heap, options: FrameRingOptions): FrameRing {
  if (!(heap instanceof Heap)) throw new TypeError('Cannot make a frame ring as it takes an open heap: see openHeap()');
  const checked = checkFrameRing(options);
  const { frameCount, frameLength } = checked;
  return withCleanup((cleanup) => {
    const buffers = Array.from({ length: frameCount }, (_, index) => {
      const buffer = heap.allocate(frameLength, { name: `ring${index}`, shareable: true });
      cleanup.defer(() => buffer.close());
      return buffer;
    });
    return new FrameRing(mapRingFrames(buffers, frameLength), checked);
  });
}
