import { existsSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import type { AccessMode } from '../linux/cpu-access-maintenance.ts';
import { onAbort } from '../base/abort.ts';

/**
 * The words that the threads sharing a buffer agree through, by Atomics. A thread other than the one that allocated the buffer
 * never maps or unmaps: it only says here that it holds the buffer, and later that it does not.
 */
const HOLDER_COUNT = 0;
/** Unsignaled fences that a reader waits for, and that a writer waits for. */
const PENDING_FOR_READ = 1;
const PENDING_FOR_WRITE = 2;
const THREAD_SLOTS = 3;

/** A slot is a thread's id and how many holders are its own, so that those of a terminated worker can be taken back. */
const SLOT_WORDS = 2;
const SLOT_COUNT = 64;
const WORD_COUNT = THREAD_SLOTS + SLOT_WORDS * SLOT_COUNT;

/** Any length does: the timer is there to be there. */
const KEEP_ALIVE_INTERVAL_MS = 60_000;

/** What a handle's ticket says. */
const OPENED = 0;
const UNOPENED = 1;

/** No more holders may come: the buffer is being unmapped. */
const RETIRED = -1;

export class SharedControl {
  readonly words: Int32Array<SharedArrayBuffer>;

  constructor(words?: Int32Array<SharedArrayBuffer>) {
    this.words = words ?? new Int32Array(new SharedArrayBuffer(WORD_COUNT * Int32Array.BYTES_PER_ELEMENT));
  }

  /**
   * Adds a holder for a handle on its way. Only the allocating thread calls this, and only while the window is mapped.
   *
   * @returns the handle's ticket: whoever opens it first takes over this holder
   */
  addHandle(): Int32Array<SharedArrayBuffer> {
    this.releaseEndedThreads();
    // After a retirement, the first handle of a new window starts from no holders.
    Atomics.compareExchange(this.words, HOLDER_COUNT, RETIRED, 0);
    Atomics.add(this.words, HOLDER_COUNT, 1);
    return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)).fill(UNOPENED);
  }

  /**
   * Makes the calling thread a holder: the one that the handle brought, or one more. False: too late, everybody let go.
   *
   * @throws {DmaBufError} `EMFILE` when 64 other threads hold the buffer
   */
  open(ticket: Int32Array): boolean {
    // First of all, since it can fail.
    const slot = this.#claimOwnSlot();
    const opened = takeTicket(ticket) || this.#addHolder();
    if (opened) Atomics.add(this.words, slot + 1, 1);
    return opened;
  }

  /** The calling thread lets go once. */
  release(): void {
    const slot = this.#findSlot(threadId());
    assert(slot !== undefined, 'Who lets go has a slot');
    Atomics.sub(this.words, slot + 1, 1);
    const before = Atomics.sub(this.words, HOLDER_COUNT, 1);
    assert(before > 0, 'A holder lets go once');
  }

  /** Takes back a handle that nobody opened. False when somebody did. */
  discard(ticket: Int32Array): boolean {
    const taken = takeTicket(ticket);
    if (taken) Atomics.sub(this.words, HOLDER_COUNT, 1);
    return taken;
  }

  /** Closes the door if nobody holds: from then on {@link open} fails. False while somebody holds. */
  retire(): boolean {
    const before = Atomics.compareExchange(this.words, HOLDER_COUNT, 0, RETIRED);
    return before === 0 || before === RETIRED;
  }

  /**
   * Lets go for threads of this process that have ended without doing so. Only the allocating thread calls this: two at a time
   * could take a slot from a thread that has just claimed it.
   */
  releaseEndedThreads(): void {
    for (let slot = THREAD_SLOTS; slot < WORD_COUNT; slot += SLOT_WORDS) {
      const thread = Atomics.load(this.words, slot);
      if (thread === 0 || existsSync(`/proc/self/task/${thread}`)) continue;
      const count = Atomics.exchange(this.words, slot + 1, 0);
      Atomics.sub(this.words, HOLDER_COUNT, count);
      Atomics.store(this.words, slot, 0);
    }
  }

  /** Tells the other threads how many fences are pending, and wakes those that wait. */
  publishPending(forRead: number, forWrite: number): void {
    Atomics.store(this.words, PENDING_FOR_READ, forRead);
    Atomics.store(this.words, PENDING_FOR_WRITE, forWrite);
    Atomics.notify(this.words, PENDING_FOR_READ);
    Atomics.notify(this.words, PENDING_FOR_WRITE);
  }

  pendingCount(mode: AccessMode): number {
    return Atomics.load(this.words, pendingWord(mode));
  }

  /** Waits without blocking until {@link pendingCount} differs from `count`. Rejects with the abort reason. */
  async pendingChange(mode: AccessMode, count: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const outcome = Atomics.waitAsync(this.words, pendingWord(mode), count);
    if (!outcome.async) return;
    // waitAsync does not keep the event loop alive (nodejs/node#44409): a program that waits would end instead.
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_INTERVAL_MS);
    let stopListening = (): void => {};
    const aborted = new Promise<never>((_resolve, reject) => {
      stopListening = onAbort(signal, reject);
    });
    await Promise.race([outcome.value, aborted]).finally(() => {
      stopListening();
      clearInterval(keepAlive);
    });
  }

  /** Blocks the calling thread until {@link pendingCount} differs from `count`. */
  blockUntilPendingChange(mode: AccessMode, count: number): void {
    Atomics.wait(this.words, pendingWord(mode), count);
  }

  #addHolder(): boolean {
    for (;;) {
      const count = Atomics.load(this.words, HOLDER_COUNT);
      // Nobody else holding is no hindrance while the window is mapped: only its end closes the door.
      if (count === RETIRED) return false;
      if (Atomics.compareExchange(this.words, HOLDER_COUNT, count, count + 1) === count) return true;
    }
  }

  #claimOwnSlot(): number {
    const thread = threadId();
    const slot = this.#findSlot(thread) ?? this.#claimFreeSlot(thread);
    if (slot !== undefined) return slot;
    throw new DmaBufError(`Cannot open the buffer in another thread as ${SLOT_COUNT} threads have it open already`, {
      code: 'EMFILE',
    });
  }

  /** Only the thread itself ever claims a slot for itself: what is found stays its own. */
  #findSlot(thread: number): number | undefined {
    return slotIndexes().find((slot) => Atomics.load(this.words, slot) === thread);
  }

  #claimFreeSlot(thread: number): number | undefined {
    return slotIndexes().find((slot) => Atomics.compareExchange(this.words, slot, 0, thread) === 0);
  }
}

function slotIndexes(): number[] {
  return Array.from({ length: SLOT_COUNT }, (_, index) => THREAD_SLOTS + index * SLOT_WORDS);
}

function takeTicket(ticket: Int32Array): boolean {
  return Atomics.compareExchange(ticket, 0, UNOPENED, OPENED) === UNOPENED;
}

function pendingWord(mode: AccessMode): number {
  return mode === 'read' ? PENDING_FOR_READ : PENDING_FOR_WRITE;
}

/** The kernel's id of the calling thread: `/proc/thread-self` is a link to `PID/task/TID` (man 5 proc). */
function threadId(): number {
  return Number(basename(readlinkSync('/proc/thread-self')));
}
