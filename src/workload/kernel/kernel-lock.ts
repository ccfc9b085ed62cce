import { assert } from '../../base/assert.ts';

/** What the kernel and drivers take turns by: who waits for it sleeps. Nobody may take it twice. */
export interface SleepingLock {
  /** Whether this thread has it. */
  readonly isHeld: boolean;
  /** Runs `body` with the lock. It is given back however `body` ends. */
  hold<Result>(body: () => Result | Promise<Result>): Promise<Result>;
  /** The same, at once: nothing else of this thread comes in between. */
  holdSync<Result>(body: () => Result): Result;
}

/** One use of a lock, in ns of CLOCK_MONOTONIC, which all threads and processes share. */
export interface LockHold {
  /** When it was asked for. */
  readonly askedNs: number;
  readonly takenNs: number;
  /** Just before it was given back. */
  readonly releasedNs: number;
}

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
  readonly #onHold: ((hold: LockHold) => void) | undefined;
  readonly #waits: number[] = [];
  #use = { holdCount: 0, heldNs: 0, heldNsMax: 0, waitCount: 0, waitedNs: 0 };

  /** @param onHold told of each use, as it ends */
  constructor(onHold?: (hold: LockHold) => void) {
    this.#onHold = onHold;
  }

  /** @param hasWaited whether somebody else had it */
  add(hold: LockHold, hasWaited: boolean): void {
    const heldNs = hold.releasedNs - hold.takenNs;
    this.#use.holdCount += 1;
    this.#use.heldNs += heldNs;
    this.#use.heldNsMax = Math.max(this.#use.heldNsMax, heldNs);
    if (hasWaited) this.#addWait(hold.takenNs - hold.askedNs);
    this.#onHold?.(hold);
  }

  read(): LockUse {
    return { ...this.#use };
  }

  /** How long each waited, in ns. */
  get waits(): readonly number[] {
    return this.#waits;
  }

  #addWait(ns: number): void {
    this.#waits.push(ns);
    this.#use.waitCount += 1;
    this.#use.waitedNs += ns;
  }
}

/** Now, as {@link LockHold} has it. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}

/**
 * A sleeping lock of the kernel (`struct mutex`, `struct ww_mutex`), between tasks of this thread.
 * Whoever waits gets it in turn. It is not recursive: who takes it twice waits for ever.
 */
export class KernelLock implements SleepingLock {
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

  async hold<Result>(body: () => Result | Promise<Result>): Promise<Result> {
    const askedNs = monotonicNs();
    const hasWaited = this.#isHeld;
    if (hasWaited) await this.#wait();
    this.#isHeld = true;
    const takenNs = monotonicNs();
    try {
      return await body();
    } finally {
      this.#use.add({ askedNs, takenNs, releasedNs: monotonicNs() }, hasWaited);
      this.#pass();
    }
  }

  holdSync<Result>(body: () => Result): Result {
    assert(!this.#isHeld, 'A task that may not wait finds the lock free');
    const takenNs = monotonicNs();
    this.#isHeld = true;
    try {
      return body();
    } finally {
      this.#use.add({ askedNs: takenNs, takenNs, releasedNs: monotonicNs() }, false);
      this.#pass();
    }
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = withResolver();
    this.#waiting.push(resolve);
    await promise;
    assert(this.#isHeld, 'A lock is passed on while it is held');
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
