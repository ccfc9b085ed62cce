/** V4L2's sequence has 32 bits. */
const HALF = 2 ** 31;

/** Counts frames by their sequence, which wraps at 2^32, and finds those that were lost. */
export class SequenceCounter {
  #last: number | undefined;
  #sequence = 0;

  /**
   * @param raw as the driver has it, of 32 bits
   * @returns the sequence, which goes on beyond 2^32, and how many were lost before this frame
   */
  count(raw: number): { readonly sequence: number; readonly lostCount: number } {
    const last = this.#last;
    this.#last = raw;
    if (last === undefined) {
      this.#sequence = raw;
      return { sequence: raw, lostCount: 0 };
    }
    const step = (raw - last) >>> 0;
    // A driver that does not count, or has begun anew: nothing is known to be lost.
    const ahead = step === 0 || step >= HALF ? 1 : step;
    this.#sequence += ahead;
    return { sequence: this.#sequence, lostCount: ahead - 1 };
  }
}
