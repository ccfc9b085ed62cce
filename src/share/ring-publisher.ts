import { assert } from '../base/assert.ts';
import type { FrameDetails, RingArea } from './ring-area.ts';
import type { RingSteps } from './ring-steps.ts';

/** A consumer, as its producer sees it. */
export interface RingReader {
  readonly area: RingArea;
  /** Whether frames that it has not taken yet must stay. */
  readonly block: boolean;
  /** Wakes the consumer, or says that it cannot now. Must not throw. */
  wake(): boolean;
}

/** As if it had no content: never published, or being written. */
const NO_SEQUENCE = 0;

/**
 * The producer's side of a frame ring: which frame may be written next, and what is told to the consumers.
 *
 * A frame is taken back in three steps: every consumer is told that it is gone, then it is seen whether one holds it, and if
 * so, every consumer is told that it is there again. A consumer says that it holds a frame before it looks whether that is
 * still there ({@link RingClaims}). Of two that do so at the same time, at least one sees the other (hazard pointers: Michael,
 * 2004).
 *
 * What the consumers read is never read back: a consumer that writes where it must not harms itself alone.
 */
export class RingPublisher {
  readonly #readers = new Map<RingReader, { wokenFor: number }>();
  /** By frame. */
  readonly #sequences: number[];
  readonly #writing = new Set<number>();
  #sequence = NO_SEQUENCE;
  #wait = 0;
  #isWaiting = false;
  /** The frame published last, which is never taken back: who comes late finds it. */
  #newest: { readonly frame: number; readonly details: FrameDetails } | undefined;

  constructor(frameCount: number) {
    this.#sequences = Array.from({ length: frameCount }, () => NO_SEQUENCE);
  }

  /** The sequence number of the frame published last; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The frames that were claimed and neither published nor discarded. */
  get writing(): ReadonlySet<number> {
    return this.#writing;
  }

  /** Before the consumer can see its area: it starts with the newest frame there is. */
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

  /** The consumer is gone, and holds nothing any more. */
  removeReader(reader: RingReader): void {
    this.#readers.delete(reader);
  }

  /**
   * A frame to write: of those that nobody needs, the one published longest ago.
   *
   * @returns undefined when every frame is being written, held, or wanted by a consumer that must not miss any
   */
  *claim(): RingSteps<number | undefined> {
    // Consumers move on meanwhile. Each can take each frame once: after that many rounds nobody can have been in the way but
    // for one that breaks the rules.
    const roundCount = this.#readers.size * this.#sequences.length + 1;
    for (let round = 0; round < roundCount; round += 1) {
      const unwanted = yield* this.#unwantedFrames();
      for (const frame of unwanted) {
        if (!(yield* this.#takeBack(frame))) continue;
        this.#sequences[frame] = NO_SEQUENCE;
        this.#writing.add(frame);
        return frame;
      }
      if (unwanted.length === 0) return undefined;
    }
    return undefined;
  }

  /** Shows a claimed frame to the consumers, and wakes those that wait. Returns its sequence number. */
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

  /** From now on consumers that let go of a frame, or take one, have to wake the producer. Look again before sleeping. */
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

  /** Tells a consumer that nothing more will come. */
  *end(reader: RingReader): RingSteps<void> {
    yield;
    reader.area.store(reader.area.ended, 1);
  }

  /** Frames that may be taken back as far as the consumers that must not miss any are concerned, oldest content first. */
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

  /** False when a consumer holds the frame. */
  *#takeBack(frame: number): RingSteps<boolean> {
    // Asked beforehand too: a consumer that looks while the frame seems gone passes over it.
    if (yield* this.#isHeld(frame)) return false;
    yield* this.#tellAll((area) => area.sequenceOf(frame), NO_SEQUENCE);
    if (!(yield* this.#isHeld(frame))) return true;
    yield* this.#tellAll((area) => area.sequenceOf(frame), this.#sequenceOf(frame));
    return false;
  }

  *#isHeld(frame: number): RingSteps<boolean> {
    for (const { area } of this.#readers.keys()) {
      for (let slot = 0; slot < area.shape.heldMax; slot += 1) {
        yield;
        if (area.load(area.heldFrame(slot)) === frame + 1) return true;
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

  /** Once for each of its waits. A consumer that cannot be woken now has messages to read, and wakes by itself. */
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
