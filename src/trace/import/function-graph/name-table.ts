/** A text that nobody's function has: what stands in for names that no longer fit the table. */
const UNKNOWN = '';

/** A kernel has some 60,000 traceable functions; a hostile file may invent more. */
const NAMES_MAX = 1_048_576;
const SLOTS_AT_FIRST = 4096;

/**
 * Numbers for texts that lie among bytes, so that a line of a trace makes no string: a text is
 * decoded once, when it is first seen. Open addressing, FNV-1a (Fowler, Noll, Vo), half full at
 * most.
 */
export class NameTable {
  readonly #texts: string[] = [UNKNOWN];
  readonly #bytes: Uint8Array[] = [new Uint8Array(0)];
  readonly #added: (id: number, text: string) => void;
  #hashes = new Int32Array(SLOTS_AT_FIRST);
  #ids = new Int32Array(SLOTS_AT_FIRST);

  /** @param added told of every text that is new */
  constructor(added: (id: number, text: string) => void) {
    this.#added = added;
  }

  text(id: number): string {
    return this.#texts[id] ?? UNKNOWN;
  }

  /** The number of the text in `bytes` from `start` to `end`: 0 where the table is full. */
  idOf(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c_9dc5 | 0;
    for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x0100_0193);
    return this.idOfHashed(bytes, start, end, hash);
  }

  /** As {@link idOf}, where the hash was made in a loop that runs over the text anyway. */
  idOfHashed(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#ids.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const id = this.#ids[slot] as number;
      if (id === 0) return this.#add(bytes.subarray(start, end), hash, slot);
      if (this.#hashes[slot] === hash && this.#isSame(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
  }

  #isSame(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const known = this.#bytes[id] as Uint8Array;
    const { length } = known;
    if (length !== end - start) return false;
    for (let at = 0; at < length; at += 1) if (known[at] !== bytes[start + at]) return false;
    return true;
  }

  #add(text: Uint8Array, hash: number, slot: number): number {
    const id = this.#texts.length;
    if (id >= NAMES_MAX) return 0;
    const copy = Uint8Array.from(text);
    this.#texts.push(Buffer.from(copy).toString('utf8'));
    this.#bytes.push(copy);
    this.#hashes[slot] = hash;
    this.#ids[slot] = id;
    this.#added(id, this.#texts[id] as string);
    if (id * 2 > this.#ids.length) this.#grow();
    return id;
  }

  #grow(): void {
    const [hashes, ids] = [this.#hashes, this.#ids];
    const mask = ids.length * 2 - 1;
    this.#hashes = new Int32Array(mask + 1);
    this.#ids = new Int32Array(mask + 1);
    for (const [at, id] of ids.entries()) {
      if (id === 0) continue;
      const hash = hashes[at] as number;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.#ids[slot] !== 0) slot = (slot + 1) & mask;
      this.#hashes[slot] = hash;
      this.#ids[slot] = id;
    }
  }
}
