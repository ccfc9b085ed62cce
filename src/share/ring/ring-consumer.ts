import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';

import { onAbort, throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { assert } from '../../base/assert.ts';
import { ChangeSignal } from '../../base/change-signal.ts';
import { readWaitOptions } from '../../base/check.ts';
import { runAllSteps } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { FrameDescription } from '../../picture/frame-description.ts';
import type { BufferConnection } from '../connection/buffer-connection.ts';
import type { RingAreaMemory } from './ring-area-memory.ts';
import { RingClaims } from './ring-claims.ts';
import type { RingClaim, RingMode } from './ring-claims.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';
import { RingFrame } from './ring-frame.ts';
import { sendWake } from './ring-messages.ts';
import type { OfferMessage } from './ring-messages.ts';
import { completeSteps } from './ring-steps.ts';

/** Made once: a stack trace per wait would take longer than the rest of it. */
const SLEEP_IS_OVER = new Error('The wait is over');

/** The resources of a consumer. */
interface JoinedRing {
  readonly connection: BufferConnection;
  readonly mode: RingMode;
  readonly offer: OfferMessage;
  readonly layout: FrameDescription | undefined;
  readonly area: RingAreaMemory;
  readonly frames: readonly RingFrameMemory[];
}

/**
 * A consumer of a frame ring. Takes published frames, by {@link next}, by {@link tryNext}, or as an
 * async iterator. Close it when done. Waiting for a frame keeps the program alive. An open consumer
 * alone does not.
 */
export class RingConsumer implements AsyncIterable<RingFrame, undefined> {
  /** Which frames it takes. */
  readonly mode: RingMode;
  /** How many frames it may hold at the same time. */
  readonly heldMax: number;
  /** The length of each frame, in bytes. */
  readonly frameLength: number;
  /** The picture in each frame, in a ring with a layout. */
  readonly layout: FrameDescription | undefined;
  /** The number of frames in the ring. */
  readonly frameCount: number;
  readonly #ring: JoinedRing;
  readonly #claims: RingClaims;
  readonly #changes = new ChangeSignal();
  #sleeperCount = 0;
  /** Set once the connection has ended, with the error if there was one. */
  #gone: { readonly cause: unknown } | undefined;
  #closed = false;

  /** @internal */
  constructor(ring: JoinedRing) {
    this.#ring = ring;
    this.mode = ring.mode;
    this.heldMax = ring.offer.heldMax;
    this.frameLength = ring.offer.frameLength;
    this.layout = ring.layout;
    this.frameCount = ring.offer.frameCount;
    this.#claims = new RingClaims(ring.area.area, ring.mode);
  }

  /**
   * How many frames were skipped: older than the newest, or overwritten before this consumer took
   * them.
   */
  get dropped(): number {
    return this.#claims.dropped;
  }

  /** How many frames this consumer has taken and not released. */
  get heldCount(): number {
    return this.#claims.heldCount;
  }

  /** Whether no more frames will come. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The next frame, as soon as there is one and fewer than `heldMax` are held.
   *
   * @returns undefined when the producer has closed the ring and every frame was taken, or this
   *   consumer is closed
   * @throws {DmaBufError} `EPIPE` when the producer has gone without closing the ring, after its
   *   published frames were taken; later calls return undefined
   * @throws the abort reason when aborted
   */
  async next(options: WaitOptions = {}): Promise<RingFrame | undefined> {
    const { signal } = readWaitOptions(options, 'wait for a frame');
    for (;;) {
      throwIfAborted(signal);
      const frame = this.tryNext() ?? this.#announceWait();
      if (frame !== undefined || this.#closed) return frame;
      await this.#sleep(signal);
      const frameNow = this.tryNext();
      if (frameNow !== undefined || this.#closed) return frameNow;
      // A spurious wake-up: a producer that sends them all the time must not block the event loop.
      await setImmediate();
    }
  }

  /**
   * The next frame, if there is one now and fewer than `heldMax` are held.
   *
   * @throws {DmaBufError} `EPIPE` as {@link next}
   */
  tryNext(): RingFrame | undefined {
    if (this.#closed || this.heldCount === this.heldMax) return undefined;
    let claim = completeSteps(this.#claims.take());
    if (claim !== undefined) return this.#toFrame(claim);
    const end = this.#endOfRing();
    if (end === undefined) return undefined;
    // Check again: a frame may have been published just before the end.
    claim = completeSteps(this.#claims.take());
    if (claim !== undefined) return this.#toFrame(claim);
    this.close();
    if (end === 'closed') return undefined;
    throw new DmaBufError(
      'Cannot take a frame as the producer of the ring has gone without closing it: frames that are held stay as they are',
      { code: 'EPIPE', cause: this.#gone?.cause },
    );
  }

  /**
   * The iterator of `for await`. Leaving the loop closes this consumer, not the frames that it
   * holds.
   */
  [Symbol.asyncIterator](): AsyncIterator<RingFrame, undefined> {
    return {
      next: async () => {
        const value = await this.next();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: async () => {
        this.close();
        return await Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /**
   * Takes no more frames. This consumer keeps those that it holds until they are released, then
   * leaves the ring. Idempotent.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#changes.wakeAll();
    completeSteps(this.#claims.leave());
    this.#wakeProducer();
    if (this.heldCount === 0) this.#leave();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const state = this.#closed ? 'closed' : 'open';
    return `RingConsumer { ${this.mode}, ${state}, ${this.heldCount} of ${this.heldMax} held, ${this.dropped} dropped }`;
  }

  /**
   * Tells the producer to wake this consumer, unless a frame is already there, which it returns.
   */
  #announceWait(): RingFrame | undefined {
    if (this.#closed || this.heldCount === this.heldMax) return undefined;
    completeSteps(this.#claims.announceWait());
    return this.tryNext();
  }

  /** Waits until a message comes, the connection ends, or the state here changes. */
  async #sleep(signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const stopListening = onAbort(signal, (reason) => stop.abort(reason));
    this.#sleeperCount += 1;
    try {
      const changed = this.#changes.next(stop.signal);
      await (this.#gone === undefined ? Promise.race([changed, this.#receive(stop.signal)]) : changed);
    } finally {
      this.#sleeperCount -= 1;
      stopListening();
      stop.abort(SLEEP_IS_OVER);
    }
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const { connection } = this.#ring;
    try {
      const received = await connection.receive({ signal });
      if (received === undefined) this.#gone = { cause: undefined };
      else received.close();
    } catch (cause) {
      throwIfAborted(signal);
      this.#gone = { cause };
    }
    // All of them: the message is for every call that sleeps here.
    this.#changes.wakeAll();
  }

  #endOfRing(): 'closed' | 'gone' | undefined {
    const { connection } = this.#ring;
    const isGone = this.#gone !== undefined || connection.closed || connection.peerClosed;
    if (completeSteps(this.#claims.hasEnded())) return 'closed';
    return isGone ? 'gone' : undefined;
  }

  #toFrame(claim: RingClaim): RingFrame {
    const memory = this.#ring.frames[claim.frame];
    assert(memory !== undefined, 'A frame of the ring is mapped');
    if (this.#sleeperCount === 0) completeSteps(this.#claims.endWait());
    this.#wakeProducer();
    return new RingFrame(claim, memory, () => this.#release(claim.slot));
  }

  #release(slot: number): void {
    completeSteps(this.#claims.release(slot));
    this.#wakeProducer();
    this.#changes.wakeAll();
    if (this.#closed && this.heldCount === 0) this.#leave();
  }

  #wakeProducer(): void {
    completeSteps(this.#claims.wakeProducer(() => sendWake(this.#ring.connection)));
  }

  /** No frame is held any more. */
  #leave(): void {
    const { connection, area, frames } = this.#ring;
    const steps = frames.map((frame) => () => frame.retire());
    runAllSteps([() => connection.close(), () => area.close(), ...steps], 'A frame ring could not be left');
  }
}
