/**
 * The record in shared memory by which nodes wake each other (`struct pw_node_activation` of
 * src/pipewire/private.h). PipeWire calls it private: what is here is that of 1.4, and records of
 * another size or version are refused.
 */

import { wordsOf } from './memory-pool.ts';
import type { SharedRegion } from './memory-pool.ts';
import { unknownError } from './protocol-error.ts';

const RECORD_BYTES = 2312;
const RECORD_VERSION = 1;

/** Offsets, in words of 32 bits. */
const WORD = {
  status: 0,
  /** `state[0].pending`: how many are still to be waited for. */
  pending: 4,
  clientVersion: 135,
  serverVersion: 136,
  activeDriverId: 137,
} as const;

/** `spa_io_clock.id`, of the driver whose position it is, in words of 32 bits. */
const CLOCK_ID_WORD = 1;
const WORD_BYTES = 4;

/** PW_NODE_ACTIVATION_* of src/pipewire/private.h. */
const STATUS = { notTriggered: 0, triggered: 1, awake: 2, finished: 3, inactive: 4 } as const;

/** A record: this node's, or that of one which waits for it. */
export class ActivationRecord {
  readonly #words: Int32Array;

  /**
   * @throws {DmaBufError} `EOPNOTSUPP` for a record of another size or version; `EPROTO` for one
   *   that does not lie in its memory
   */
  constructor(region: SharedRegion) {
    if (region.size !== RECORD_BYTES) throw unknownError(`an activation record of ${region.size} bytes`);
    this.#words = wordsOf(region);
    const version = Atomics.load(this.#words, WORD.serverVersion);
    if (version !== RECORD_VERSION) throw unknownError(`version ${version} of the activation record`);
  }

  /** Says that this process keeps to the rules of its version. */
  announceVersion(): void {
    Atomics.store(this.#words, WORD.clientVersion, RECORD_VERSION);
  }

  /** A driver passes over nodes that do not name it. */
  followDriver(id: number): void {
    Atomics.store(this.#words, WORD.activeDriverId, id);
  }

  /** Ready for the first cycle. */
  start(): void {
    Atomics.compareExchange(this.#words, WORD.status, STATUS.inactive, STATUS.finished);
  }

  /** No further cycle is wanted. */
  stop(): void {
    Atomics.store(this.#words, WORD.status, STATUS.inactive);
  }

  /** False where no cycle has begun: the wake-up was of an earlier one. */
  awake(): boolean {
    return Atomics.compareExchange(this.#words, WORD.status, STATUS.triggered, STATUS.awake) === STATUS.triggered;
  }

  /** False where the cycle was taken away meanwhile. */
  finish(): boolean {
    return Atomics.exchange(this.#words, WORD.status, STATUS.finished) === STATUS.awake;
  }

  /**
   * One that it waits for has finished. True where it was the last, and the node is to be woken.
   */
  countDown(): boolean {
    if (Atomics.sub(this.#words, WORD.pending, 1) !== 1) return false;
    const { notTriggered, triggered } = STATUS;
    return Atomics.compareExchange(this.#words, WORD.status, notTriggered, triggered) === notTriggered;
  }
}

/** The driver whose `spa_io_position` this is. */
export function driverIdOf(region: SharedRegion): number {
  return Atomics.load(wordsOf({ ...region, size: 2 * WORD_BYTES }), CLOCK_ID_WORD);
}
