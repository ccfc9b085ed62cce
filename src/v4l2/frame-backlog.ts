/** How much a driver is to have at least, so that it can go on while we hold the rest. */
const QUEUED_MIN = 2;

/** Who reads, and who fills. */
interface BacklogPartners<Frame> {
  /** How many buffers the driver has now. */
  queuedCount(): number;
  /** Gives a frame that was not delivered back to the driver. */
  drop(frame: Frame): void;
}

/**
 * Frames that came and were not read yet, oldest first. The oldest are dropped for a slow reader:
 * as soon as the driver would have too few buffers to go on, or there are more than `countMax`. The
 * newest always stays.
 */
export class FrameBacklog<Frame> {
  readonly #frames: Frame[] = [];
  readonly #countMax: number;
  readonly #partners: BacklogPartners<Frame>;
  #droppedCount = 0;

  constructor(countMax: number, partners: BacklogPartners<Frame>) {
    this.#countMax = countMax;
    this.#partners = partners;
  }

  get length(): number {
    return this.#frames.length;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  add(frame: Frame): void {
    this.#frames.push(frame);
    while (this.#frames.length > 1 && this.#isTooLong()) this.#dropOldest();
  }

  /** The oldest; undefined where there is none. */
  take(): Frame | undefined {
    return this.#frames.shift();
  }

  /** At the end: nothing of it will be read. They do not count as dropped. */
  clear(): Frame[] {
    return this.#frames.splice(0);
  }

  #isTooLong(): boolean {
    return this.#frames.length > this.#countMax || this.#partners.queuedCount() < QUEUED_MIN;
  }

  #dropOldest(): void {
    const oldest = this.#frames.shift();
    this.#droppedCount += 1;
    this.#partners.drop(oldest as Frame);
  }
}
