import { inspect } from 'node:util';

import { throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { wrongType } from '../../base/argument-error.ts';
import { ChangeSignal } from '../../base/change-signal.ts';
import { readOptions, readWaitOptions } from '../../base/check.ts';
import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import { Heap } from '../../heap/heap.ts';
import type { FrameDescription } from '../../picture/frame-description.ts';
import { BufferConnection } from '../connection/buffer-connection.ts';
import { BufferListener } from '../listener/buffer-listener.ts';
import { checkFrameRing } from './frame-ring-options.ts';
import type { CheckedRing, FrameRingOptions } from './frame-ring-options.ts';
import { checkAdmission } from './ring-admission.ts';
import { mapRingFrames } from './ring-frame-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';
import type { RingConsumerStats } from './ring-member.ts';
import { RingMembers } from './ring-members.ts';
import type { AddConsumerOptions } from './ring-members.ts';
import { RingPeerErrors } from './ring-peer-errors.ts';
import { RingPublisher } from './ring-publisher.ts';
import { checkServe, serveConnections } from './ring-serving.ts';
import type { ServeOptions } from './ring-serving.ts';
import { completeSteps } from './ring-steps.ts';
import { WritableFrame } from './writable-frame.ts';

/** The state of a ring. */
export interface FrameRingStats {
  /** How many frames it has. */
  readonly frameCount: number;
  /** How many frames were published so far. */
  readonly published: number;
  /** How many frames are being written. */
  readonly writableCount: number;
  /** One entry per consumer. */
  readonly consumers: readonly RingConsumerStats[];
  /** Connections of {@link FrameRing.serve} that did not become consumers. */
  readonly refusedCount: number;
  /** Consumers that were removed because they broke the protocol. */
  readonly putOutCount: number;
  /** How often `onPeerError` threw or rejected. */
  readonly listenerFailureCount: number;
}

/**
 * The producer's end of a frame ring: frames that are written here and read in other processes,
 * without a copy. Close it when done. Until then, its consumers keep the program alive.
 *
 * For each consumer as many frames are reserved as it may hold. So {@link acquire} never waits for
 * a consumer, unless it was added with `block`.
 */
export class FrameRing {
  /** The length of each frame, in bytes. */
  readonly frameLength: number;
  /** The picture in each frame, in a ring with a layout. */
  readonly layout: FrameDescription | undefined;
  /** The number of frames. */
  readonly frameCount: number;
  /** The bytes of metadata of each frame. */
  readonly metadataBytes: number;
  /** How many frames can be written at the same time. */
  readonly writableMax: number;
  readonly #frames: readonly RingFrameMemory[];
  readonly #publisher: RingPublisher;
  readonly #members: RingMembers;
  readonly #changes = new ChangeSignal();
  readonly #peerErrors: RingPeerErrors;
  #waiterCount = 0;
  #closed = false;

  /** @internal */
  constructor(frames: readonly RingFrameMemory[], options: CheckedRing) {
    this.frameLength = options.frameLength;
    this.layout = options.layout;
    this.frameCount = options.frameCount;
    this.metadataBytes = options.metadataBytes;
    this.writableMax = options.writableMax;
    this.#frames = frames;
    this.#publisher = new RingPublisher(options.frameCount);
    this.#peerErrors = new RingPeerErrors(options.onPeerError);
    this.#members = new RingMembers({
      options,
      peerErrors: this.#peerErrors,
      publisher: this.#publisher,
      frames,
      changed: () => this.#changes.wakeAll(),
    });
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes a frame to write: of the unused frames, the one published longest ago.
   *
   * @throws {DmaBufError} `EAGAIN` when `writableMax` are being written, or when a consumer added
   *   with `block` has to take frames first
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

  /**
   * Takes a frame as soon as {@link acquire} can. Rejects with the abort reason, or with
   * `ERR_DMABUF_CLOSED` when the ring closes.
   */
  async acquireWhenFree(options: WaitOptions = {}): Promise<WritableFrame> {
    const { signal } = readWaitOptions(options, 'take a frame of the ring');
    for (;;) {
      throwIfAborted(signal);
      this.#checkOpen('take a frame of');
      const frame = this.#tryAcquire() ?? this.#announceWait();
      if (frame !== undefined) return frame;
      this.#waiterCount += 1;
      try {
        await this.#changes.next(signal);
      } finally {
        this.#waiterCount -= 1;
      }
    }
  }

  /**
   * Lets the process at the other end of a connection join, by its call of `joinFrameRing`. The
   * ring takes ownership of the connection, and closes it if this fails. The consumer begins with
   * the newest frame.
   *
   * @throws {TypeError | RangeError} for an invalid connection or option: the caller keeps the
   *   connection then
   * @throws {DmaBufError} `EBUSY` when too few frames are left for the consumer's `heldMax`, or
   *   that exceeds the allowed one; `ETIMEDOUT` when it did not join within `joinTimeoutMs`;
   *   `EPROTO` and the errors of `receive()` for a nonsensical request; `EPIPE` when it is gone;
   *   `ERR_DMABUF_CLOSED` when the ring is closed, before or meanwhile
   * @throws the abort reason when aborted
   */
  async addConsumer(connection: BufferConnection, options: AddConsumerOptions = {}): Promise<void> {
    const action = 'add the consumer';
    const plain = readOptions(options, action, ['block', 'heldMax', 'joinTimeoutMs', 'signal']);
    const admission = { ...checkAdmission(plain, action), signal: plain.signal };
    if (!BufferConnection.isConnection(connection))
      throw wrongType({ action, name: 'connection' }, { must: 'be a BufferConnection', received: connection });
    await this.#members.add(connection, admission);
  }

  /**
   * Adds every process that connects, until the listener is closed. A peer cannot end it: one that
   * cannot join, or does not within `joinTimeoutMs`, is closed, counted in `stats().refusedCount`
   * and reported to the ring's `onPeerError`.
   *
   * @throws {TypeError | RangeError} for an invalid listener or option
   * @throws {DmaBufError} for errors of the listener itself
   */
  async serve(listener: BufferListener, options: ServeOptions = {}): Promise<void> {
    const { joiningMax, ...admission } = checkServe(options);
    if (!BufferListener.isListener(listener)) {
      const must = 'be a BufferListener';
      throw wrongType(
        { action: 'serve the ring', name: 'listener' },
        { must, received: listener, remedy: 'see listen()' },
      );
    }
    await serveConnections(listener, joiningMax, async (connection, signal) => {
      try {
        await this.#members.add(connection, { ...admission, signal });
      } catch (error) {
        this.#peerErrors.refused(error, connection.peer);
      }
    });
  }

  /** The number of published frames, and the state of each consumer. */
  stats(): FrameRingStats {
    return {
      frameCount: this.frameCount,
      published: this.#publisher.sequence,
      writableCount: this.#publisher.writing.size,
      consumers: this.#members.stats(),
      refusedCount: this.#peerErrors.refusedCount,
      putOutCount: this.#peerErrors.putOutCount,
      listenerFailureCount: this.#peerErrors.listenerFailureCount,
    };
  }

  /**
   * Ends the ring. Consumers can still take the remaining frames, and then see the end. Frames that
   * they hold stay. Frames being written are closed when they are discarded. Idempotent.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const frames = this.#frames.map((frame) => () => frame.retire());
    this.#changes.wakeAll();
    runAllSteps([() => this.#members.close(), ...frames], 'The frame ring could not be closed');
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
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

  /**
   * Tells the consumers to wake this producer, unless a frame is already free, which it returns.
   */
  #announceWait(): WritableFrame | undefined {
    completeSteps(this.#publisher.announceWait());
    return this.#tryAcquire();
  }

  #checkOpen(action: string): void {
    if (!this.#closed) return;
    throw new DmaBufError(`Cannot ${action} the frame ring after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

/**
 * Makes a frame ring, whose frames are allocated, mapped and faulted in now. The heap may be closed
 * at once.
 *
 * @throws {RangeError | TypeError} for an invalid option
 * @throws {DmaBufError} as `allocate` and `vmap` do, such as `EOPNOTSUPP` for `consumersMayWrite:
 *   false` on a heap of dma-bufs; no frame is left then
 *
 * @example
 * ```ts
 * import { KiB, openHeap } from 'dmabuf';
 * import { createFrameRing } from 'dmabuf/ring';
 *
 * const heap = openHeap('system');
 * const ring = createFrameRing(heap, { frameLength: 64 * KiB, frameCount: 4 });
 * const frame = ring.acquire();
 * frame.bytes.fill(7);
 * frame.publish();
 * console.log(ring.stats().published); // 1
 * ring.close();
 * heap.close();
 * ```
 */
export function createFrameRing(heap: Heap, options: FrameRingOptions): FrameRing {
  if (!Heap.isHeap(heap)) {
    const complaint = { must: 'be an open heap', received: heap, remedy: 'see openHeap()' };
    throw wrongType({ action: 'make a frame ring', name: 'heap' }, complaint);
  }
  const checked = checkFrameRing(options);
  const { frameCount, frameLength } = checked;
  const shareable = checked.consumersMayWrite ? true : 'read-only';
  return withCleanup((cleanup) => {
    const buffers = Array.from({ length: frameCount }, (_, index) => {
      const buffer = heap.allocate(frameLength, { name: `ring${index}`, shareable });
      cleanup.defer(() => buffer.close());
      return buffer;
    });
    return new FrameRing(mapRingFrames(buffers, checked), checked);
  });
}
