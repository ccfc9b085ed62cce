import { assert } from '../../base/assert.ts';

/** How a lock was used so far. */
export interface LockUse {
  /** How often it was taken. */
  readonly holdCount: number;
  /** How long it was held, all together, in ns. */
  readonly heldNs: number;
  /** The longest that it was held at a time, in ns. */
  readonly heldNsMax: number;
  /** How often somebody else had it. */
  readonly waitCount: number;
  /** How long those waited, all together, in ns. */
  readonly waitedNs: number;
}

/** Adds up how locks are used. */
export class LockUseCount {
  #use = { holdCount: 0, heldNs: 0, heldNsMax: 0, waitCount: 0, waitedNs: 0 };

  held(ns: number): void {
    this.#use.holdCount += 1;
    this.#use.heldNs += ns;
    this.#use.heldNsMax = Math.max(this.#use.heldNsMax, ns);
  }

  waited(ns: number): void {
    this.#use.waitCount += 1;
    this.#use.waitedNs += ns;
  }

  read(): LockUse {
    return { ...this.#use };
  }
}

/**
 * A sleeping lock of the kernel (`struct mutex`, `struct ww_mutex`), between tasks of this thread.
 * Whoever waits gets it in turn. It is not recursive: who takes it twice waits for ever.
 */
export class KernelLock {
  readonly #waiting: (() => void)[] = [];
  readonly #use: LockUseCount;
  #isHeld = false;

  /** @param use counts: one for all locks of a kind, or this lock's own */
  constructor(use = new LockUseCount()) {
    this.#use = use;
  }

  /** Whether somebody has it. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get use(): LockUse {
    return this.#use.read();
  }

  /** Runs `body` with the lock. It is given back however `body` ends. */
  async hold<Result>(body: () => Result | Promise<Result>): Promise<Result> {
    await this.#take();
    const since = process.hrtime.bigint();
    try {
      return await body();
    } finally {
      const heldNs = Number(process.hrtime.bigint() - since);
      this.#use.held(heldNs);
      this.#pass();
    }
  }

  async #take(): Promise<void> {
    if (!this.#isHeld) {
      this.#isHeld = true;
      return;
    }
    const since = process.hrtime.bigint();
    const { promise, resolve } = withResolver();
    this.#waiting.push(resolve);
    await promise;
    assert(this.#isHeld, 'A lock is passed on while it is held');
    const waitedNs = Number(process.hrtime.bigint() - since);
    this.#use.waited(waitedNs);
  }

  /** It stays held where somebody waits: nobody else can come in between. */
  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isHeld = false;
    else next();
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
