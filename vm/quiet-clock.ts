/** Seconds as they would pass on an otherwise idle machine. */

/** The parts of a clock. */
export interface QuietClockOptions {
  /** How often {@link QuietClock.tick} is called. */
  readonly intervalSeconds: number;
  /** The result of `measureMs` on a quiet machine. */
  readonly quietMs: number;
  /** Does a fixed piece of work, and returns how long it took. */
  readonly measureMs: () => number;
}

/**
 * A clock that a busy machine slows down as much as everything else. Each tick measures a piece of
 * work. The elapsed interval is then divided by the ratio of that time to the time on a quiet
 * machine. On a faster machine the clock goes no faster than a wall clock.
 */
export class QuietClock {
  readonly #options: QuietClockOptions;
  #seconds = 0;
  #slowdown: number;

  constructor(options: QuietClockOptions) {
    this.#options = options;
    this.#slowdown = this.#measure();
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** The latest slowdown against a quiet machine: 1 or more. */
  get slowdown(): number {
    return this.#slowdown;
  }

  /**
   * A late tick counts for no more than one interval: a delay because the machine stood still is
   * not the fault of the timed program.
   */
  tick(): void {
    this.#slowdown = this.#measure();
    this.#seconds += this.#options.intervalSeconds / this.#slowdown;
  }

  #measure(): number {
    return Math.max(1, this.#options.measureMs() / this.#options.quietMs);
  }
}
