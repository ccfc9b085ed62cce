const KEPT_MAX = 8192;

/**
 * Durations whose median is wanted, however many there are: of more than some thousands every
 * second one is kept, of more than twice as many every fourth, and so on.
 */
export class DurationSample {
  readonly #kept: number[] = [];
  #stride = 1;
  #seen = 0;
  totalNs = 0;
  maxNs = 0;

  add(ns: number): void {
    this.totalNs += ns;
    this.maxNs = Math.max(this.maxNs, ns);
    if (this.#seen % this.#stride === 0) this.#keep(ns);
    this.#seen += 1;
  }

  get count(): number {
    return this.#seen;
  }

  /** Undefined where there are none. */
  median(): number | undefined {
    const sorted = this.#kept.toSorted((one, other) => one - other);
    const middle = Math.floor(sorted.length / 2);
    if (sorted.length % 2 === 1) return sorted[middle];
    const [low, high] = [sorted[middle - 1], sorted[middle]];
    return low === undefined || high === undefined ? undefined : (low + high) / 2;
  }

  #keep(ns: number): void {
    this.#kept.push(ns);
    if (this.#kept.length < KEPT_MAX) return;
    const every = this.#kept.filter((_, index) => index % 2 === 0);
    this.#kept.splice(0, this.#kept.length, ...every);
    this.#stride *= 2;
  }
}
