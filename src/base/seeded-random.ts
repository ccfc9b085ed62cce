import { assert } from './assert.ts';
import { UINT_MAX } from './limits.ts';

/** 2^32: one more than the largest number that the generator draws. */
const DRAW_COUNT = UINT_MAX + 1;

/**
 * Random numbers that a seed repeats exactly, on every machine: for shuffles and model fuzzes,
 * never for secrets. The generator is mulberry32: a 32-bit counter, mixed; its period of 2^32 draws
 * is ample for both.
 */
export class SeededRandom {
  #state: number;

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    assert(seed >>> 0 === seed, () => `A seed is a whole number from 0 to ${UINT_MAX}, not ${seed}`);
    this.#state = seed;
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /**
   * A whole number from 0 to `limit` - 1, where `limit` is at most 2^32. Its bias, limit / 2^32, is
   * left in.
   */
  below(limit: number): number {
    assert(limit >= 1 && limit <= DRAW_COUNT, () => `A limit is a number from 1 to 2^32, not ${limit}`);
    return Math.floor((this.uint32() * limit) / DRAW_COUNT);
  }

  /** Puts `values` into a random order, in place (Fisher and Yates). */
  shuffle(values: unknown[] | Uint32Array): void {
    const places: Record<number, unknown> = values;
    for (let index = values.length - 1; index > 0; index -= 1) {
      const other = this.below(index + 1);
      const value = places[index];
      places[index] = places[other];
      places[other] = value;
    }
  }
}
