/**
 * The processes of src/share/ring/ring-control.fuzz.ts, as generators: consumers that check what
 * they see, and one that breaks every rule.
 */

import assert from 'node:assert/strict';

import type { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { RingArea } from '../../../src/share/ring/ring-area.ts';
import { RingClaims } from '../../../src/share/ring/ring-claims.ts';
import type { RingClaim, RingMode } from '../../../src/share/ring/ring-claims.ts';

/** Two words that are written and read one after the other: what a torn frame shows in. */
export interface FrameBytes {
  first: number;
  second: number;
}

/** Steps of one process, and whether it sleeps until it gets a message. */
export interface Actor {
  readonly steps: Generator<void, void, void>;
  readonly weight: number;
  asleep: boolean;
  messageCount: number;
}

/** Of what was published, in order: the stamp of sequence number n at index n - 1. */
type Stamps = readonly number[];

export interface World {
  readonly random: SeededRandom;
  readonly frames: readonly FrameBytes[];
  readonly stamps: number[];
  /** The last sequence number that every consumer has been told of. */
  announced: number;
  /** The number of frames that never block a take: beyond those, the oldest is overwritten. */
  readonly backlogMin: number;
  /** No new work: current work is finished, and the remaining frames are taken. */
  finishing: boolean;
}

export interface ConsumerPlan {
  readonly mode: RingMode;
  readonly block: boolean;
  readonly heldMax: number;
}

export function* sleepUntilMessage(actor: Actor): Generator<void, void, void> {
  while (actor.messageCount === 0) {
    actor.asleep = true;
    yield;
  }
  actor.asleep = false;
  actor.messageCount = 0;
}

/** A message, unless the other has too many unread ones, which it will read then. */
export function sendMessage(actor: Actor): boolean {
  if (actor.messageCount >= 2) return false;
  actor.messageCount += 1;
  return true;
}

/**
 * One consumer: takes, holds, checks the frames that it holds again, releases; and verifies
 * everything that it sees.
 */
export class ConsumerRun implements Actor {
  readonly plan: ConsumerPlan;
  readonly steps: Generator<void, void, void>;
  readonly weight: number;
  readonly start: number;
  readonly held: RingClaim[] = [];
  asleep = false;
  messageCount = 0;
  last: number;
  takenCount = 0;
  readonly #world: World;
  readonly #claims: RingClaims;
  readonly #wakeProducer: () => boolean;

  constructor(world: World, plan: ConsumerPlan, side: { area: RingArea; wakeProducer: () => boolean }) {
    this.#world = world;
    this.plan = plan;
    this.weight = 1 + world.random.below(20);
    this.start = Math.max(1, world.stamps.length);
    this.last = this.start - 1;
    this.#claims = new RingClaims(side.area, plan.mode);
    this.#wakeProducer = side.wakeProducer;
    this.steps = this.#live();
  }

  *#live(): Generator<void, void, void> {
    const { random } = this.#world;
    for (;;) {
      const mayTake = this.held.length < this.plan.heldMax;
      if (this.#world.finishing && this.held.length > 0) yield* this.#release();
      else if (mayTake && (this.#world.finishing || random.below(2) === 0)) yield* this.#takeOrSleep();
      else if (this.held.length > 0 && random.below(3) === 0) yield* this.#release();
      else yield* this.#lookAgain();
    }
  }

  *#takeOrSleep(): Generator<void, void, void> {
    if (yield* this.#take()) return;
    yield* this.#claims.announceWait();
    if (!(yield* this.#take())) yield* sleepUntilMessage(this);
    yield* this.#claims.endWait();
  }

  *#take(): Generator<void, boolean, void> {
    const { announced, stamps } = this.#world;
    const claim = yield* this.#claims.take();
    if (claim === undefined) {
      assert.ok(announced <= this.last || announced < this.start, `nothing to take after ${this.last} of ${announced}`);
      return false;
    }
    this.held.push(claim);
    this.#checkOrder(claim, announced);
    this.last = claim.sequence;
    yield* this.#checkContent(claim, stamps);
    yield* this.#claims.wakeProducer(this.#wakeProducer);
    return true;
  }

  #checkOrder(claim: RingClaim, announced: number): void {
    const { sequence } = claim;
    this.takenCount += 1;
    assert.ok(sequence > this.last, `${sequence} after ${this.last}`);
    assert.equal(this.#claims.dropped, sequence - this.start + 1 - this.takenCount, 'what is not taken is counted');
    if (this.plan.mode === 'newest') assert.ok(sequence >= announced, `${sequence} is older than ${announced}`);
    else if (this.plan.block) assert.equal(this.#claims.dropped, 0, 'frames missed though the producer waits');
    else if (sequence > this.last + 1) this.#checkDropped(this.last + 1);
  }

  /** A frame is overwritten when no older one is left, and only then. */
  #checkDropped(sequence: number): void {
    const newerCount = this.#world.stamps.length - sequence;
    assert.ok(newerCount >= this.#world.backlogMin, `${sequence} is missed with ${newerCount} behind it`);
  }

  *#checkContent(claim: RingClaim, stamps: Stamps): Generator<void, void, void> {
    const stamp = stamps[claim.sequence - 1];
    assert.equal(claim.timestamp, BigInt(stamp ?? -1), 'the time of another frame');
    assert.deepEqual([...claim.metadata], stampBytes(stamp ?? -1), 'the metadata of another frame');
    yield* this.#checkBytes(claim, stamp);
  }

  *#checkBytes(claim: RingClaim, stamp: number | undefined): Generator<void, void, void> {
    const frame = this.#world.frames[claim.frame];
    yield;
    assert.equal(frame?.first, stamp, `the first half of sequence ${claim.sequence}`);
    yield;
    assert.equal(frame?.second, stamp, `the second half of sequence ${claim.sequence}`);
  }

  *#lookAgain(): Generator<void, void, void> {
    const claim = this.held[this.#world.random.below(Math.max(1, this.held.length))];
    if (claim === undefined) yield;
    else yield* this.#checkBytes(claim, this.#world.stamps[claim.sequence - 1]);
  }

  *#release(): Generator<void, void, void> {
    const [claim] = this.held.splice(this.#world.random.below(this.held.length), 1);
    if (claim === undefined) return;
    yield* this.#checkBytes(claim, this.#world.stamps[claim.sequence - 1]);
    yield* this.#claims.release(claim.slot);
    yield* this.#claims.wakeProducer(this.#wakeProducer);
  }
}

/**
 * A consumer that breaks the rules: it writes anything into its words at any time, or announces
 * that it holds each frame just as the producer checks it.
 */
export class HostileRun implements Actor {
  readonly steps: Generator<void, void, void>;
  readonly weight = 5;
  /** Then it makes a step after each of the producer's. */
  readonly isInTheWay: boolean;
  asleep = false;
  messageCount = 0;

  constructor(random: SeededRandom, area: RingArea) {
    this.isInTheWay = random.below(2) === 0;
    this.steps = this.isInTheWay ? this.#beInTheWay(area) : this.#writeAnything(random, area);
  }

  *#writeAnything(random: SeededRandom, area: RingArea): Generator<void, void, void> {
    const words = [area.cursor, area.dropped, area.consumerWait, area.newest, area.ended, area.producerWait];
    const slots = Array.from({ length: area.shape.heldMax }, (_, slot) => area.heldFrame(slot));
    const frames = Array.from({ length: area.shape.frameCount }, (_, frame) => area.sequenceOf(frame));
    const all = [...words, ...slots, ...slots, ...frames];
    for (;;) {
      yield;
      const value = [random.below(10), -random.below(10), random.uint32() * 2 ** 21, -(2 ** 63)][random.below(4)];
      area.store(all[random.below(all.length)] ?? 0, value ?? 0);
      this.messageCount = 0;
    }
  }

  /**
   * A frame that has just gone is being taken back. Checks all in one step, as a very fast process
   * could.
   */
  *#beInTheWay(area: RingArea): Generator<void, void, void> {
    const seen = Array.from({ length: area.shape.frameCount }, () => 0);
    for (;;) {
      yield;
      for (const frame of seen.keys()) {
        const sequence = area.load(area.sequenceOf(frame));
        if (sequence === 0 && seen[frame] !== 0) area.store(area.heldFrame(0), frame + 1);
        seen[frame] = sequence;
      }
      this.messageCount = 0;
    }
  }
}

/** What a frame's metadata says of it. */
export function stampBytes(stamp: number): number[] {
  return [...new Uint8Array(new Uint32Array([stamp]).buffer)];
}
