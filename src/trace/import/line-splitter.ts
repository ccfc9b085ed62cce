import type { SourceLine } from './source-line.ts';

/** Longer lines are cut: our own JSON of a mapping with ten thousand parts fits. */
const LINE_BYTES_MAX = 4_194_304;

const LINE_FEED = 10;

/**
 * Cuts chunks of bytes into lines, and holds no more than the longest of them. `indexOf` on a
 * buffer is what makes it fast: it searches with vector instructions.
 */
export class LineSplitter {
  readonly #line: SourceLine;
  readonly #take: () => void;
  #kept: Buffer[] = [];
  #keptBytes = 0;

  /** @param take is called when `line` is the next one */
  constructor(line: SourceLine, take: () => void) {
    this.#line = line;
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      if (this.#keptBytes > 0) this.#finishKept(chunk.subarray(start, end));
      else this.#give(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line may have no line break. */
  end(): void {
    if (this.#keptBytes > 0) this.#finishKept(Buffer.alloc(0));
  }

  #keep(part: Buffer): void {
    const room = LINE_BYTES_MAX - this.#keptBytes;
    // Copied: the caller may use its buffer again.
    if (room > 0) this.#kept.push(Buffer.from(part.subarray(0, room)));
    this.#keptBytes += Math.min(room, part.length);
  }

  #finishKept(rest: Buffer): void {
    this.#keep(rest);
    const whole = Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#give(whole, 0, whole.length);
  }

  #give(bytes: Buffer, start: number, end: number): void {
    this.#line.number += 1;
    this.#line.set(bytes, start, Math.min(end, start + LINE_BYTES_MAX));
    this.#take();
  }
}
