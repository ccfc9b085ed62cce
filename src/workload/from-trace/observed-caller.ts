import type { MappingEvent } from '../../trace/mapping-event.ts';

/** A hostile trace invents sizes and buffers; a driver has few. */
const SIZES_MAX = 1024;
const BUFFERS_MAX = 65_536;

/** What a caller did with buffers of one size. */
export interface SizeUse {
  readonly sizeBytes: number;
  readonly callCount: number;
  /** Different buffers. 0: the trace does not tell them apart. */
  readonly bufferCount: number;
  /** Whether a buffer was mapped more than once: its mappings end and come again. */
  readonly isMappedAgain: boolean;
  /** From the first mapping to the last. 0: the trace does not tell. */
  readonly seconds: number;
}

/** Adds up what a caller does, by the sizes of its buffers. */
export class ObservedCaller {
  readonly #sizes = new Map<number, SizeTotals>();
  #callCount = 0;
  #withoutSizeCount = 0;

  add({ sizeBytes, buffer, time, count = 1 }: Pick<MappingEvent, 'sizeBytes' | 'buffer' | 'time' | 'count'>): void {
    this.#callCount += count;
    const totals = sizeBytes === undefined ? undefined : this.#totalsOf(sizeBytes);
    if (totals === undefined) this.#withoutSizeCount += count;
    else totals.add({ buffer, time, count });
  }

  get callCount(): number {
    return this.#callCount;
  }

  /** Calls of which the trace does not say how large the buffer was. */
  get withoutSizeCount(): number {
    return this.#withoutSizeCount;
  }

  /** Largest first. */
  get sizes(): readonly SizeUse[] {
    return [...this.#sizes]
      .map(([sizeBytes, totals]) => totals.read(sizeBytes))
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  }

  #totalsOf(sizeBytes: number): SizeTotals | undefined {
    const found = this.#sizes.get(sizeBytes);
    if (found !== undefined || this.#sizes.size >= SIZES_MAX) return found;
    const made = new SizeTotals();
    this.#sizes.set(sizeBytes, made);
    return made;
  }
}

class SizeTotals {
  readonly #buffers = new Set<string>();
  #callCount = 0;
  #isMappedAgain = false;
  #firstTime = Number.POSITIVE_INFINITY;
  #lastTime = Number.NEGATIVE_INFINITY;

  add({ buffer, time, count }: { buffer: string | undefined; time: number | undefined; count: number }): void {
    this.#callCount += count;
    if (buffer !== undefined) {
      this.#isMappedAgain ||= this.#buffers.has(buffer);
      if (this.#buffers.size < BUFFERS_MAX) this.#buffers.add(buffer);
    }
    if (time === undefined) return;
    this.#firstTime = Math.min(this.#firstTime, time);
    this.#lastTime = Math.max(this.#lastTime, time);
  }

  read(sizeBytes: number): SizeUse {
    return {
      sizeBytes,
      callCount: this.#callCount,
      bufferCount: this.#buffers.size,
      isMappedAgain: this.#isMappedAgain,
      seconds: Math.max(0, this.#lastTime - this.#firstTime),
    };
  }
}
