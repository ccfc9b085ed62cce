import { inspect } from 'node:util';

import { DmaBufError } from './errors.ts';

/** A holder of collected resources that cannot be given back yet. */
interface Sweepable {
  /** Tries to give everything back. */
  sweep(): void;
}

/** What is left of an object that was collected. */
interface Remains {
  /** Called once, after the object was collected. */
  collect(): void;
}

/**
 * The codes of refusals for lack of memory, address space, mappings or descriptors: the kernel's
 * and our own.
 */
const EXHAUSTED: ReadonlySet<string> = new Set(['ENOMEM', 'EMFILE', 'ENFILE']);

/** More bytes than a 64-bit processor addresses for a program (47 bits on x86-64, 48 on arm64). */
const IMPOSSIBLE_BYTES = 2 ** 48;

/** V8 unmaps collected memory on another thread: seen within 2 ms. */
const UNMAPPING_WAITS_MAX = 20;
const UNMAPPING_WAIT_MS = 1;

/** One watch that is never collected. */
const CANARY = 0;

/** Stands for an object, and lives exactly as long: that object alone holds it. */
export class CollectionWatch {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return String(this.id);
  }
}

/**
 * Finds the objects of this thread that have become unreachable, and runs the cleanup of each. This
 * happens by itself some turns of the event loop after V8 has collected an object, and at once when
 * {@link collect} is called.
 *
 * A `FinalizationRegistry` alone does not suffice: it calls back in a later turn, but a call that
 * must answer now cannot wait for one. A `WeakRef` would keep its target until the end of the job
 * that made it. So each object has a watch in a `WeakSet`, whose living members `inspect` shows
 * with `showHidden` (docs/decisions/0008-limits-and-collection.md).
 */
export class Collector {
  readonly #remains = new Map<number, Remains>();
  readonly #living = new WeakSet<CollectionWatch>();
  readonly #canary = new CollectionWatch(CANARY);
  readonly #registry = new FinalizationRegistry<number>((id) => this.#settle(id));
  readonly #pending = new Set<Sweepable>();
  #lastId = CANARY;

  constructor() {
    this.#living.add(this.#canary);
  }

  /**
   * Calls `remains.collect()` once the object that holds the returned watch was collected. Only
   * that object may hold the watch, and `remains` must not lead to that object: beware of closures,
   * which keep everything that any closure of their scope uses.
   */
  watch(remains: Remains): CollectionWatch {
    this.#lastId += 1;
    const id = this.#lastId;
    const watch = new CollectionWatch(id);
    this.#remains.set(id, remains);
    this.#living.add(watch);
    this.#registry.register(watch, id, watch);
    return watch;
  }

  /**
   * Forgets the cleanup of {@link watch}. Unwatch an object when it is closed: of 100,000 objects
   * that were watched and dropped, each took 9 µs, most of it in the garbage collector, and 2 µs
   * when unwatched.
   */
  unwatch(watch: CollectionWatch): void {
    this.#remains.delete(watch.id);
    this.#living.delete(watch);
    this.#registry.unregister(watch);
  }

  /** {@link collect} and every refusal sweep `sweepable`, until {@link hasNothingPending}. */
  hasPending(sweepable: Sweepable): void {
    this.#pending.add(sweepable);
  }

  hasNothingPending(sweepable: Sweepable): void {
    this.#pending.delete(sweepable);
  }

  /**
   * Runs `operation`. When it is refused for lack of memory, address space, mappings or
   * descriptors, gives back what is pending and tries again, then collects unreachable objects and
   * tries again. Only then is it refused. `operation` must leave nothing behind when it throws.
   */
  collectBeforeRefusing<Result>(operation: () => Result): Result {
    try {
      return operation();
    } catch (error) {
      if (!isExhausted(error)) throw error;
    }
    if (this.#pending.size > 0) {
      this.#sweep();
      try {
        return operation();
      } catch (error) {
        if (!isExhausted(error)) throw error;
      }
    }
    this.collect();
    return operation();
  }

  /**
   * Collects all garbage of this thread, and gives back the resources that it held. Takes several
   * full collections: 10 to 40 ms in a small program, a second where JavaScript holds millions of
   * objects. Only a refusal justifies that.
   */
  collect(): void {
    collectGarbage();
    const deadIds = this.#findDead();
    for (const id of deadIds) this.#settle(id);
    this.#sweep();
    if (deadIds.length > 0) this.#waitForUnmapping();
  }

  /**
   * Empty where the runtime does not show the members of a WeakSet (Bun): a reachable object must
   * never count as dead.
   */
  #findDead(): number[] {
    const text = inspect(this.#living, {
      showHidden: true,
      customInspect: true,
      maxArrayLength: Number.POSITIVE_INFINITY,
      breakLength: Number.POSITIVE_INFINITY,
      compact: true,
      colors: false,
    });
    const members = /^WeakSet \{ (\d+(?:, \d+)*) \}$/u.exec(text)?.[1];
    const livingIds = new Set(members?.split(', ').map(Number));
    if (!livingIds.has(CANARY)) return [];
    return [...this.#remains.keys()].filter((id) => !livingIds.has(id));
  }

  #settle(id: number): void {
    const remains = this.#remains.get(id);
    this.#remains.delete(id);
    remains?.collect();
  }

  #sweep(): void {
    for (const sweepable of this.#pending) sweepable.sweep();
  }

  #waitForUnmapping(): void {
    const word = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    for (let waits = 0; waits < UNMAPPING_WAITS_MAX && this.#pending.size > 0; waits += 1) {
      Atomics.wait(word, 0, 0, UNMAPPING_WAIT_MS);
      this.#sweep();
    }
  }
}

/** Per thread: the garbage of one heap holds resources that the next heap lacks. */
export const collector: Collector = new Collector();

function isExhausted(error: unknown): boolean {
  return error instanceof DmaBufError && EXHAUSTED.has(error.code);
}

/**
 * V8 collects all garbage before it reports that memory is exhausted. Unlike `gc()`, this changes
 * no flag of the process.
 */
function collectGarbage(): void {
  try {
    void new SharedArrayBuffer(IMPOSSIBLE_BYTES);
  } catch {
    // Expected: the allocation is impossible.
  }
}
