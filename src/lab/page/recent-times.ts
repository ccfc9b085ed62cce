const KEPT = 101;

/** How long something took, the last hundred times. */
export class RecentTimes {
  readonly #times: number[] = [];

  measure(body: () => void): void {
    const start = performance.now();
    body();
    this.#times.push(performance.now() - start);
    if (this.#times.length > KEPT) this.#times.shift();
  }

  /** Undefined before the first. */
  get medianMs(): number | undefined {
    return this.#times.toSorted((one, other) => one - other)[this.#times.length >> 1];
  }
}
