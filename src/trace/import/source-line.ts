/** A line of a trace, where it lies among the bytes. One object serves for all lines. */
export class SourceLine {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  /** Behind its last byte; the line break is not counted. */
  end = 0;
  /** From 1. */
  number = 0;
  #text: string | undefined;

  /** Moves on to another line. */
  set(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.#text = undefined;
  }

  /** Its beginning: a frame or an event that is longer than this is none. */
  get text(): string {
    this.#text ??= this.bytes.toString('utf8', this.start, Math.min(this.end, this.start + TEXT_BYTES_MAX));
    return this.#text;
  }

  get wholeText(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }

  /** Puts a text in its place, as where a page escapes it. */
  replaceText(text: string): void {
    this.#text = text;
  }
}

/** PERF_MAX_STACK_DEPTH frames (127) in one collapsed line fit. */
const TEXT_BYTES_MAX = 8192;
