import { assert } from '../../base/assert.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { FrameDetails, RingArea } from './ring-area.ts';
import type { RingSteps } from './ring-steps.ts';

/** The frames that a consumer takes: the newest each time, or each one in order. */
export type RingMode = 'newest' | 'every';

/** A held frame, which the producer does not change until its release. */
export interface RingClaim extends FrameDetails {
  /** The index of the consumer's slot. */
  readonly slot: number;
  readonly frame: number;
  readonly sequence: number;
}

/** How many failed attempts a producer can cause that follows the protocol. */
const ROUND_COUNT_MAX = 1000;

/**
 * A consumer's side of a frame ring. It announces which frame it holds before it checks whether the
 * frame is still there. `RingPublisher` is the other side.
 */
export class RingClaims {
  readonly #area: RingArea;
  readonly #mode: RingMode;
  readonly #slots: boolean[];
  /** The least sequence number that may still be taken. */
  #cursor: number;
  #dropped = 0;
  #wait = 0;
  #isWaiting = false;
  #answeredWait = 0;

  constructor(area: RingArea, mode: RingMode) {
    this.#area = area;
    this.#mode = mode;
    this.#slots = Array.from({ length: area.shape.heldMax }, () => false);
    this.#cursor = Math.max(1, area.load(area.cursor));
  }

  /**
   * How many sequence numbers were skipped: frames overwritten before they could be taken, or older
   * than the newest.
   */
  get dropped(): number {
    return this.#dropped;
  }

  get heldCount(): number {
    return this.#slots.filter(Boolean).length;
  }

  /**
   * Takes the next frame, according to the mode. A slot must be free.
   *
   * @returns undefined when there is none yet
   * @throws {DmaBufError} `EPROTO` when the producer announces frames that do not exist
   */
  *take(): RingSteps<RingClaim | undefined> {
    const area = this.#area;
    const slot = this.#slots.indexOf(false);
    assert(slot !== -1, 'A frame is taken only when another may be held');
    let from = this.#cursor;
    for (let round = 0; round < ROUND_COUNT_MAX; round += 1) {
      yield;
      const newest = area.load(area.newest);
      // Written so that NaN counts as "no new frame".
      if (!(newest >= this.#cursor)) return undefined;
      const found = yield* this.#find(Math.min(from, newest), newest);
      if (found === undefined) continue;
      if (yield* this.#hold(slot, found)) return yield* this.#taken({ slot, ...found });
      // The producer overwrites the oldest frames. If it is faster, the following ones are gone as
      // well, so each attempt skips further ahead.
      from = found.sequence + 2 ** round;
    }
    throw new DmaBufError('Cannot take a frame as the producer announces frames that are not there', {
      code: 'EPROTO',
      values: { cursor: this.#cursor },
    });
  }

  /** Releases a held frame: the producer may write to it at once. */
  *release(slot: number): RingSteps<void> {
    assert(this.#slots[slot], 'Only what is held can be released');
    yield;
    this.#area.store(this.#area.heldFrame(slot), 0);
    this.#slots[slot] = false;
  }

  /** Ends taking frames: a producer that waits for this consumer continues. */
  *leave(): RingSteps<void> {
    yield;
    this.#area.store(this.#area.cursor, Number.MAX_SAFE_INTEGER);
  }

  /**
   * From now on the producer must wake this consumer when it publishes. Check again before
   * sleeping.
   */
  *announceWait(): RingSteps<void> {
    this.#wait += 1;
    this.#isWaiting = true;
    yield;
    this.#area.store(this.#area.consumerWait, this.#wait);
  }

  *endWait(): RingSteps<void> {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    yield;
    this.#area.store(this.#area.consumerWait, 0);
  }

  /** Wakes the producer if it waits, once per wait. `wake` returns whether it could. */
  *wakeProducer(wake: () => boolean): RingSteps<void> {
    yield;
    const wait = this.#area.load(this.#area.producerWait);
    if (wait === 0 || wait === this.#answeredWait) return;
    if (wake()) this.#answeredWait = wait;
  }

  /** Whether the producer has announced the end. */
  *hasEnded(): RingSteps<boolean> {
    yield;
    return this.#area.load(this.#area.ended) !== 0;
  }

  /**
   * The newest frame; or the oldest one of those from `from` to `newest`. Further frames, beyond
   * `newest`, may be published during the search. So a found one beyond it does not mean that the
   * earlier ones are missing.
   */
  *#find(from: number, newest: number): RingSteps<{ frame: number; sequence: number } | undefined> {
    const area = this.#area;
    let found: { frame: number; sequence: number } | undefined;
    for (let frame = 0; frame < area.shape.frameCount; frame += 1) {
      yield;
      const sequence = area.load(area.sequenceOf(frame));
      if (this.#mode === 'newest') {
        if (sequence >= this.#cursor && sequence > (found?.sequence ?? 0)) found = { frame, sequence };
      } else if (sequence >= from && sequence <= newest && sequence < (found?.sequence ?? Infinity)) {
        found = { frame, sequence };
      }
    }
    return found;
  }

  *#hold(slot: number, found: { readonly frame: number; readonly sequence: number }): RingSteps<boolean> {
    const area = this.#area;
    yield;
    area.store(area.heldFrame(slot), found.frame + 1);
    yield;
    if (area.load(area.sequenceOf(found.frame)) === found.sequence) return true;
    yield;
    area.store(area.heldFrame(slot), 0);
    return false;
  }

  *#taken(found: { readonly slot: number; readonly frame: number; readonly sequence: number }): RingSteps<RingClaim> {
    const area = this.#area;
    this.#slots[found.slot] = true;
    this.#dropped += found.sequence - this.#cursor;
    this.#cursor = found.sequence + 1;
    yield;
    const details = area.readDetails(found.frame);
    yield;
    area.store(area.dropped, this.#dropped);
    yield;
    area.store(area.cursor, this.#cursor);
    return { ...found, ...details };
  }
}
