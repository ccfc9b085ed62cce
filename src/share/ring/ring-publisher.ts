import { assert } from '../../base/assert.ts';
import type { FrameDetails, RingArea } from './ring-area.ts';
import type { RingSteps } from './ring-steps.ts';

/** A consumer, from the producer's view. */
export interface RingReader {
  readonly area: RingArea;
  /** Whether frames that it has not taken yet must stay. */
  readonly block: boolean;
  /** Wakes the consumer, or returns false if that is impossible now. Must not throw. */
  wake(): boolean;
  /** The consumer broke the protocol, and was removed from the publisher. Must not throw. */
  putOut(why: string): void;
}

/** The findings of one round: the readers that hold frames, and how many each. */
type HoldersSeen = Map<RingReader, number>;

/** The value of a frame without contents: never published, or being written. */
const NO_SEQUENCE = 0;

/**
 * The producer's side of a frame ring: decides which frame may be written next, and informs the
 * consumers.
 *
 * Taking a frame back has three steps. First the producer announces to every consumer that the
 * frame is gone. Then it checks whether a consumer holds it. If so, it announces that the frame is
 * there again. A consumer announces that it holds a frame before it checks whether that is still
 * there ({@link RingClaims}). If both act at the same time, at least one sees the other (hazard
 * pointers: Michael, 2004).
 *
 * The words that consumers read are never read back here: a consumer that overwrites them harms
 * only itself.
 */
export class RingPublisher {
  readonly #readers = new Map<RingReader, { wokenFor: number }>();
  /** By frame. */
  readonly #sequences: number[];
  readonly #writing = new Set<number>();
  #sequence = NO_SEQUENCE;
  #wait = 0;
  #isWaiting = false;
  /** The newest frame, which is never taken back: a consumer that joins later finds it. */
  #newest: { readonly frame: number; readonly details: FrameDetails } | undefined;

  constructor(frameCount: number) {
    this.#sequences = Array.from({ length: frameCount }, () => NO_SEQUENCE);
  }

  /** The sequence number of the newest frame; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The frames that were claimed and neither published nor discarded. */
  get writing(): ReadonlySet<number> {
    return this.#writing;
  }

  /** Must be called before the consumer can see its area: it starts with the newest frame. */
  addReader(reader: RingReader): void {
    const { area } = reader;
    area.store(area.cursor, Math.max(this.#sequence, 1));
    if (this.#newest !== undefined) {
      area.writeDetails(this.#newest.frame, this.#newest.details);
      area.store(area.sequenceOf(this.#newest.frame), this.#sequence);
      area.store(area.newest, this.#sequence);
    }
    this.#readers.set(reader, { wokenFor: 0 });
  }

  /** The consumer is gone, and holds no frames any more. */
  removeReader(reader: RingReader): void {
    this.#readers.delete(reader);
  }

  /**
   * A frame to write: of the unused frames, the one published longest ago.
   *
   * There are more unwanted frames than all readers can hold, unless a reader in mode "every" wants
   * some. So if every unwanted frame is found held in one round, some reader has released one and
   * taken another meanwhile: it appeared to hold more frames than it may. A reader that follows the
   * protocol takes no frame twice while none is published, so it can be caught moving in at most
   * one round per frame. A reader that is caught more often takes frames in order to block the
   * producer, and is removed.
   *
   * @returns undefined when every frame is being written, held, or wanted by a consumer in mode
   *   "every"
   */
  *claim(): RingSteps<number | undefined> {
    const roundsMoved = new Map<RingReader, number>();
    for (let round = 0; round <= this.#readers.size * this.#sequences.length; round += 1) {
      const unwanted = yield* this.#unwantedFrames();
      if (unwanted.length === 0) return undefined;
      const seen: HoldersSeen = new Map();
      for (const frame of unwanted) {
        if (!(yield* this.#reclaim(frame, seen))) continue;
        this.#sequences[frame] = NO_SEQUENCE;
        this.#writing.add(frame);
        return frame;
      }
      // The remaining readers have the same number of rounds again.
      if (this.#putOutMovers(seen, roundsMoved)) round = -1;
    }
    return undefined;
  }

  /**
   * Shows a claimed frame to the consumers, and wakes those that wait. Returns its sequence number.
   */
  *publish(frame: number, details: FrameDetails): RingSteps<number> {
    assert(this.#writing.delete(frame), 'Only a claimed frame can be published');
    this.#sequence += 1;
    this.#sequences[frame] = this.#sequence;
    this.#newest = { frame, details };
    for (const reader of this.#readers.keys()) {
      const { area } = reader;
      yield;
      area.writeDetails(frame, details);
      yield;
      area.store(area.sequenceOf(frame), this.#sequence);
      yield;
      area.store(area.newest, this.#sequence);
      yield* this.#wakeIfWaiting(reader);
    }
    return this.#sequence;
  }

  /** A claimed frame will not be published. Its old content is lost. */
  discard(frame: number): void {
    assert(this.#writing.delete(frame), 'Only a claimed frame can be discarded');
  }

  /**
   * From now on consumers that release or take a frame must wake the producer. Check again before
   * sleeping.
   */
  *announceWait(): RingSteps<void> {
    this.#wait += 1;
    this.#isWaiting = true;
    yield* this.#tellAll((area) => area.producerWait, this.#wait);
  }

  *endWait(): RingSteps<void> {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    yield* this.#tellAll((area) => area.producerWait, 0);
  }

  /** Tells a consumer that the ring has ended. */
  *end(reader: RingReader): RingSteps<void> {
    yield;
    reader.area.store(reader.area.ended, 1);
  }

  /** Frames that no consumer in mode "every" still needs, oldest contents first. */
  *#unwantedFrames(): RingSteps<number[]> {
    let wantedFrom = this.#sequence;
    for (const { area, block } of this.#readers.keys()) {
      if (!block) continue;
      yield;
      wantedFrom = Math.min(wantedFrom, area.load(area.cursor));
    }
    const isUnwanted = (sequence: number): boolean => sequence === NO_SEQUENCE || sequence < wantedFrom;
    return [...this.#sequences.keys()]
      .filter((frame) => !this.#writing.has(frame) && isUnwanted(this.#sequenceOf(frame)))
      .toSorted((one, other) => this.#sequenceOf(one) - this.#sequenceOf(other));
  }

  /** Whether a reader has moved too often, and was removed. */
  #putOutMovers(seen: HoldersSeen, roundsMoved: Map<RingReader, number>): boolean {
    let isOut = false;
    for (const [reader, frameCount] of seen) {
      if (frameCount <= reader.area.shape.heldMax) continue;
      const rounds = (roundsMoved.get(reader) ?? 0) + 1;
      roundsMoved.set(reader, rounds);
      if (rounds <= this.#sequences.length) continue;
      this.#readers.delete(reader);
      reader.putOut('it takes each frame as it is being taken back');
      isOut = true;
    }
    return isOut;
  }

  /** False when a consumer holds the frame. */
  *#reclaim(frame: number, seen: HoldersSeen): RingSteps<boolean> {
    // Also checked beforehand: a consumer that looks while the frame seems gone skips it.
    if (yield* this.#isHeld(frame, seen)) return false;
    yield* this.#tellAll((area) => area.sequenceOf(frame), NO_SEQUENCE);
    if (!(yield* this.#isHeld(frame, seen))) return true;
    yield* this.#tellAll((area) => area.sequenceOf(frame), this.#sequenceOf(frame));
    return false;
  }

  *#isHeld(frame: number, seen: HoldersSeen): RingSteps<boolean> {
    for (const reader of this.#readers.keys()) {
      const { area } = reader;
      for (let slot = 0; slot < area.shape.heldMax; slot += 1) {
        yield;
        if (area.load(area.heldFrame(slot)) !== frame + 1) continue;
        seen.set(reader, (seen.get(reader) ?? 0) + 1);
        return true;
      }
    }
    return false;
  }

  *#tellAll(wordOf: (area: RingArea) => number, value: number): RingSteps<void> {
    for (const { area } of this.#readers.keys()) {
      yield;
      area.store(wordOf(area), value);
    }
  }

  /** Once per wait. A consumer that cannot be woken now has unread messages, which wake it. */
  *#wakeIfWaiting(reader: RingReader): RingSteps<void> {
    const { area } = reader;
    const state = this.#readers.get(reader);
    yield;
    const wait = area.load(area.consumerWait);
    if (state === undefined || wait === 0 || wait === state.wokenFor) return;
    if (reader.wake()) state.wokenFor = wait;
  }

  #sequenceOf(frame: number): number {
    return this.#sequences[frame] ?? NO_SEQUENCE;
  }
}
