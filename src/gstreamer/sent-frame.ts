/** A frame that was sent, as long as somebody has it. */
export interface SentFrame {
  /** How many pipelines got it. */
  readonly clientCount: number;
  /**
   * How many did not, since they have given back or read too few of those before, or this process
   * had no descriptor left.
   */
  readonly passedOverCount: number;
  /** Resolves once none has it any more: its memory may be written again. */
  readonly released: Promise<void>;
}

/** Counts who has a frame. */
export class FrameUsers {
  readonly released: Promise<void>;
  #count = 0;
  #isSent = false;
  #resolve: () => void = () => {};

  constructor() {
    this.released = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  add(): void {
    this.#count += 1;
  }

  remove(): void {
    this.#count -= 1;
    this.#resolveWhenUnused();
  }

  /** No more are added. */
  complete(): void {
    this.#isSent = true;
    this.#resolveWhenUnused();
  }

  #resolveWhenUnused(): void {
    if (this.#isSent && this.#count === 0) this.#resolve();
  }
}
