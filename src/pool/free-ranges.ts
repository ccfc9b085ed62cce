import { assert } from '../base/assert.ts';

/** A stretch of what is handed out, in whatever unit. */
interface FreeRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Which parts of a chunk are free, as ranges that do not touch, in order. Takes from the first
 * range that is large enough, as genalloc does unless told otherwise (`gen_pool_first_fit`,
 * lib/genalloc.c).
 */
export class FreeRanges {
  #ranges: FreeRange[];
  #freeLength: number;
  readonly #length: number;

  constructor(length: number) {
    this.#ranges = [{ start: 0, length }];
    this.#freeLength = length;
    this.#length = length;
  }

  /** Whether nothing is taken. */
  get isWhole(): boolean {
    return this.#freeLength === this.#length;
  }

  get freeLength(): number {
    return this.#freeLength;
  }

  /** The longest range. */
  get largest(): number {
    return this.#ranges.reduce((largest, { length }) => Math.max(largest, length), 0);
  }

  /**
   * Takes `length`, beginning at a multiple of `alignment`. Returns where, or undefined where it
   * does not fit.
   */
  take(length: number, alignment: number): number | undefined {
    const index = this.#ranges.findIndex((range) => startIn(range, alignment) + length <= range.start + range.length);
    const range = this.#ranges[index];
    if (range === undefined) return undefined;
    const start = startIn(range, alignment);
    const before = { start: range.start, length: start - range.start };
    const after = { start: start + length, length: range.start + range.length - start - length };
    this.#ranges.splice(index, 1, ...[before, after].filter((rest) => rest.length > 0));
    this.#freeLength -= length;
    return start;
  }

  /** Gives back what was taken. */
  give(start: number, length: number): void {
    const index = this.#indexBehind(start);
    const before = this.#ranges[index - 1];
    const after = this.#ranges[index];
    const end = start + length;
    assert(before === undefined || before.start + before.length <= start, 'What is given back must not be free');
    assert(after === undefined || end <= after.start, 'What is given back must not be free');
    const joinsBefore = before !== undefined && before.start + before.length === start;
    const joinsAfter = after !== undefined && after.start === end;
    const joined = {
      start: joinsBefore ? before.start : start,
      length: length + (joinsBefore ? before.length : 0) + (joinsAfter ? after.length : 0),
    };
    this.#ranges.splice(index - Number(joinsBefore), Number(joinsBefore) + Number(joinsAfter), joined);
    this.#freeLength += length;
  }

  /** The index of the first range that begins behind `start`. */
  #indexBehind(start: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as FreeRange).start > start) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function startIn({ start }: FreeRange, alignment: number): number {
  return Math.ceil(start / alignment) * alignment;
}
