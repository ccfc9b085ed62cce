/** The pfns of a slice's pages as they become known: slot n is that of page n. Pure. */

/** Nobody has told yet. */
const UNKNOWN = -1;
/** Two have told differently. */
const CONTRADICTED = -2;

export class PfnSlots {
  readonly #pfns: Float64Array;

  /** Over `pfns`, which it overwrites. */
  constructor(pfns: Float64Array) {
    this.#pfns = pfns.fill(UNKNOWN);
  }

  get count(): number {
    return this.#pfns.length;
  }

  /** Pages outside of the slice are passed over. True when something new was told. */
  tell(page: number, pfn: number): boolean {
    const known = this.#pfns[page];
    if (known === undefined || known === pfn) return false;
    this.#pfns[page] = known === UNKNOWN ? pfn : CONTRADICTED;
    return true;
  }

  /** The pages that nobody has told of. */
  missing(): number[] {
    const pages: number[] = [];
    for (const [page, pfn] of this.#pfns.entries()) if (pfn === UNKNOWN) pages.push(page);
    return pages;
  }

  get complete(): boolean {
    return this.#pfns.every((pfn) => pfn >= 0);
  }

  get empty(): boolean {
    return this.#pfns.every((pfn) => pfn === UNKNOWN);
  }
}
