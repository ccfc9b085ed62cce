/** A machine has thousands of buffers; pointers are used again, and a hostile file invents them. */
const BUFFERS_MAX = 65_536;

interface BufferUse {
  mapCount: number;
  isMapped: boolean;
  /** Maps that ended in an unmap before the next one. */
  oneUseCount: number;
}

/** What one call path does with each buffer, by the buffer's pointer. */
export class BufferUses {
  readonly #uses = new Map<string, BufferUse>();
  /** Of all mappings but the first of each buffer. */
  repeatCount = 0;
  repeatNs = 0;
  oneUseCount = 0;
  isComplete = true;

  get bufferCount(): number {
    return this.#uses.size;
  }

  map(buffer: string, durationNs: number): void {
    const use = this.#uses.get(buffer);
    if (use === undefined) {
      if (this.#uses.size >= BUFFERS_MAX) this.isComplete = false;
      else this.#uses.set(buffer, { mapCount: 1, isMapped: true, oneUseCount: 0 });
      return;
    }
    this.repeatCount += 1;
    this.repeatNs += durationNs;
    use.mapCount += 1;
    use.isMapped = true;
  }

  unmap(buffer: string): void {
    const use = this.#uses.get(buffer);
    if (use?.isMapped !== true) return;
    use.isMapped = false;
    use.oneUseCount += 1;
    this.oneUseCount += 1;
  }
}
