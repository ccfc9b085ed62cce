import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';

import { onAbort } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { checkOptions } from '../base/check.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { BufferConnection, ShareWaitOptions } from './buffer-connection.ts';
import type { RingAreaMemory } from './ring-area-memory.ts';
import { RingChanges } from './ring-changes.ts';
import { RingClaims } from './ring-claims.ts';
import type { RingClaim, RingMode } from './ring-claims.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';
import { RingFrame } from './ring-frame.ts';
import { sendWake } from './ring-messages.ts';
import type { OfferMessage } from './ring-messages.ts';
import { completeSteps } from './ring-steps.ts';

/** Made once: a stack trace for each wait would take longer than the rest of it. */
const SLEEP_IS_OVER = new Error('The wait is over');

/** What a consumer works on. */
interface JoinedRing {
  readonly connection: BufferConnection;
  readonly mode: RingMode;
  readonly offer: OfferMessage;
  readonly area: RingAreaMemory;
  readonly frames: readonly RingFrameMemory[];
}

/**
 * A consumer of a frame ring: takes published frames, by {@link next}, by {@link tryNext}, or as an async iterator. Close it when
 * done. Waiting for a frame keeps the program alive; an open consumer alone does not.
 */
export class RingConsumer implements AsyncIterable<RingFrame, undefined> {
  readonly mode: RingMode;
  readonly heldMax: number;
  readonly frameLength: number;
  readonly frameCount: number;
  readonly #ring: JoinedRing;
  readonly #claims: RingClaims;
  readonly #changes = new RingChanges();
  #sleeperCount = 0;
  /** Once nothing more comes over the connection, with what went wrong if anything did. */
  #gone: { readonly cause: unknown } | undefined;
  #closed = false;

  /** @internal */
  constructor(ring: JoinedRing) {
    this.#ring = ring;
    this.mode = ring.mode;
    this.heldMax = ring.offer.heldMax;
    this.frameLength = ring.offer.frameLength;
    this.frameCount = ring.offer.frameCount;
    this.#claims = new RingClaims(ring.area.area, ring.mode);
  }

  /** How many frames were passed over: older than the newest, or overwritten before this consumer took them. */
  get dropped(): number {
    return this.#claims.dropped;
  }

  /** How many frames this consumer has taken and not released. */
  get heldCount(): number {
    return this.#claims.heldCount;
  }

  /** Whether no frame will come any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The next frame, as soon as there is one and fewer than `heldMax` are held.
   *
   * @returns undefined when the producer has closed the ring and everything was taken, or this consumer is closed
   * @throws {DmaBufError} `EPIPE` when the producer has gone without closing the ring, once what it published was taken; later calls
   *   return undefined
   * @throws the abort reason when given up
   */
  async next(options: ShareWaitOptions = {}): Promise<RingFrame | undefined> {
    checkOptions(options, 'wait for a frame', ['signal']);
    for (;;) {
      options.signal?.throwIfAborted();
      const frame = this.tryNext() ?? this.#announceWait();
      if (frame !== undefined || this.#closed) return frame;
      await this.#sleep(options.signal);
      const frameNow = this.tryNext();
      if (frameNow !== undefined || this.#closed) return frameNow;
      // Woken for nothing: whoever does so all the time must not keep the event loop from turning.
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
    // Once more: it may have been published just before the end.
    claim = completeSteps(this.#claims.take());
    if (claim !== undefined) return this.#toFrame(claim);
    this.close();
    if (end === 'closed') return undefined;
    throw new DmaBufError(
      'Cannot take a frame as the producer of the ring has gone without closing it: frames that are held stay as they are',
      { code: 'EPIPE', cause: this.#gone?.cause },
    );
  }

  /** What `for await` uses. Leaving the loop closes this consumer, not the frames that are held. */
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

  /** Takes no more frames. Those held stay this consumer's until they are released; then it leaves the ring. Again: does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#changes.wakeAll();
    completeSteps(this.#claims.leave());
    this.#wakeProducer();
    if (this.heldCount === 0) this.#leave();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const state = this.#closed ? 'closed' : 'open';
    return `RingConsumer { ${this.mode}, ${state}, ${this.heldCount} of ${this.heldMax} held, ${this.dropped} dropped }`;
  }

  /** Has the producer wake this consumer, unless there is a frame already, which it returns. */
  #announceWait(): RingFrame | undefined {
    if (this.#closed || this.heldCount === this.heldMax) return undefined;
    completeSteps(this.#claims.announceWait());
    return this.tryNext();
  }

  /** Until a message comes, the connection ends, or something changes here. */
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
      signal.throwIfAborted();
      this.#gone = { cause };
    }
    // All of them: the message was for whoever sleeps here.
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

  /** Nothing is held any more. */
  #leave(): void {
    const { connection, area, frames } = this.#ring;
    const steps = frames.map((frame) => () => frame.retire());
    runAllSteps([() => connection.close(), () => area.close(), ...steps], 'A frame ring could not be left');
  }
}
