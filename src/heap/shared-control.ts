import { types } from 'node:util';
import { threadId } from 'node:worker_threads';

import { onAbort, throwIfAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import { placeOf } from '../base/typed-array.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import { isThreadAlive, kernelThreadId } from '../linux/calls/thread-calls.ts';

/**
 * Words of shared memory by which the threads that share a buffer agree, through Atomics. Only the
 * thread that allocated the buffer maps or unmaps it. Another thread only records here that it
 * holds the buffer, and later that it does not.
 */
const HOLDER_COUNT = 0;
/** The number of unsignaled fences that a reader waits for, and that a writer waits for. */
const PENDING_FOR_READ = 1;
const PENDING_FOR_WRITE = 2;
/**
 * From here on: the number of holders of the thread in each slot, so that those of an ended thread
 * can be removed.
 */
const SLOT_HOLDER_COUNTS = 4;
const SLOT_COUNT = 64;
/** After them, 64 bits each: the thread of the slot. 0: none. */
const SLOT_THREADS: number = (SLOT_HOLDER_COUNTS + SLOT_COUNT) / 2;
const WORD_COUNT: number = SLOT_HOLDER_COUNTS + SLOT_COUNT + 2 * SLOT_COUNT;

/**
 * The kernel reuses the ids of ended threads, Node does not. So a slot has both, the kernel's in
 * its lower half.
 */
const KERNEL_ID_BITS = 32;

/** Any duration works: the timer only has to exist. */
const KEEP_ALIVE_INTERVAL_MS = 60_000;

/** The states of a handle's ticket. */
const OPENED = 0;
const UNOPENED = 1;

/** No holders can be added: the buffer is being unmapped. */
const RETIRED = -1;

export class SharedControl {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #threads: BigInt64Array<SharedArrayBuffer>;

  constructor(words?: Int32Array<SharedArrayBuffer>) {
    this.words = words ?? new Int32Array(new SharedArrayBuffer(WORD_COUNT * Int32Array.BYTES_PER_ELEMENT));
    const threadsAt = this.words.byteOffset + SLOT_THREADS * BigInt64Array.BYTES_PER_ELEMENT;
    this.#threads = new BigInt64Array(this.words.buffer, threadsAt, SLOT_COUNT);
  }

  /** Handles that other threads hold, or may still open. */
  get holderCount(): number {
    return Math.max(0, Atomics.load(this.words, HOLDER_COUNT));
  }

  /** Whether a value can be the words of a control. */
  static isControl(value: unknown): value is Int32Array<SharedArrayBuffer> {
    return isSharedWords(value, WORD_COUNT);
  }

  /** Whether a value can be a handle's ticket. */
  static isTicket(value: unknown): value is Int32Array<SharedArrayBuffer> {
    return isSharedWords(value, 1);
  }

  /**
   * Adds a holder for a new handle. Only the allocating thread calls this, and only while the
   * window is mapped.
   *
   * @returns the handle's ticket: the first thread that opens it takes over this holder
   */
  addHandle(): Int32Array<SharedArrayBuffer> {
    this.releaseEndedThreads();
    // After a retirement, the first handle of a new window starts without holders.
    Atomics.compareExchange(this.words, HOLDER_COUNT, RETIRED, 0);
    Atomics.add(this.words, HOLDER_COUNT, 1);
    return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)).fill(UNOPENED);
  }

  /**
   * Makes the calling thread a holder: the handle's own, or one more. False when it is too late,
   * because all holders are gone.
   *
   * @throws {DmaBufError} `EMFILE` when 64 other living threads hold the buffer
   */
  open(ticket: Int32Array): boolean {
    // First, because it can fail.
    const slot = this.#claimOwnSlot();
    const opened = takeTicket(ticket) || this.#addHolder();
    if (opened) Atomics.add(this.words, SLOT_HOLDER_COUNTS + slot, 1);
    return opened;
  }

  /** Removes one holder of the calling thread. */
  release(): void {
    const slot = this.#findSlot(ownThread());
    assert(slot !== undefined, 'A thread that lets go has a slot');
    Atomics.sub(this.words, SLOT_HOLDER_COUNTS + slot, 1);
    const before = Atomics.sub(this.words, HOLDER_COUNT, 1);
    assert(before > 0, 'A holder lets go once');
  }

  /** Removes the holder of an unopened handle. False when the handle was opened. */
  discard(ticket: Int32Array): boolean {
    const taken = takeTicket(ticket);
    if (taken) Atomics.sub(this.words, HOLDER_COUNT, 1);
    return taken;
  }

  /**
   * Retires the control if there are no holders: from then on {@link open} fails. False while there
   * is a holder.
   */
  retire(): boolean {
    const before = Atomics.compareExchange(this.words, HOLDER_COUNT, 0, RETIRED);
    return before === 0 || before === RETIRED;
  }

  /** Removes the holders of threads of this process that have ended. */
  releaseEndedThreads(): void {
    const own = ownThread();
    for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
      if (this.#takeOverEnded(slot, own)) Atomics.store(this.#threads, slot, 0n);
    }
  }

  /** Publishes the number of pending fences to the other threads, and wakes those that wait. */
  publishPending(forRead: number, forWrite: number): void {
    Atomics.store(this.words, PENDING_FOR_READ, forRead);
    Atomics.store(this.words, PENDING_FOR_WRITE, forWrite);
    Atomics.notify(this.words, PENDING_FOR_READ);
    Atomics.notify(this.words, PENDING_FOR_WRITE);
  }

  pendingCount(mode: AccessMode): number {
    return Atomics.load(this.words, pendingWord(mode));
  }

  /**
   * Waits without blocking until {@link pendingCount} differs from `count`. Rejects with the abort
   * reason.
   */
  async pendingChange(mode: AccessMode, count: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const outcome = Atomics.waitAsync(this.words, pendingWord(mode), count);
    if (!outcome.async) return;
    // waitAsync does not keep the event loop alive (nodejs/node#44409): without this, a program
    // that waits would end.
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
      // A count of 0 still allows joining while the window is mapped. Only RETIRED refuses.
      if (count === RETIRED) return false;
      if (Atomics.compareExchange(this.words, HOLDER_COUNT, count, count + 1) === count) return true;
    }
  }

  #claimOwnSlot(): number {
    const own = ownThread();
    const slot = this.#findSlot(own) ?? this.#claimFreeSlot(own) ?? this.#claimEndedSlot(own);
    if (slot !== undefined) return slot;
    throw new DmaBufError(`Cannot open the buffer in another thread as ${SLOT_COUNT} threads have it open already`, {
      code: 'EMFILE',
    });
  }

  /** Only the thread itself ever claims a slot for itself, so a found slot stays its own. */
  #findSlot(thread: bigint): number | undefined {
    return this.#firstSlot((slot) => Atomics.load(this.#threads, slot) === thread);
  }

  #claimFreeSlot(own: bigint): number | undefined {
    return this.#firstSlot((slot) => Atomics.compareExchange(this.#threads, slot, 0n, own) === 0n);
  }

  #claimEndedSlot(own: bigint): number | undefined {
    return this.#firstSlot((slot) => this.#takeOverEnded(slot, own));
  }

  /**
   * Gives the slot of an ended thread to the calling thread, without holders. Several threads may
   * try at once: the slot is claimed first, so that only the winner removes the old holders.
   */
  #takeOverEnded(slot: number, own: bigint): boolean {
    const thread = Atomics.load(this.#threads, slot);
    if (thread === 0n || isAlive(thread, own)) return false;
    if (Atomics.compareExchange(this.#threads, slot, thread, own) !== thread) return false;
    const count = Atomics.exchange(this.words, SLOT_HOLDER_COUNTS + slot, 0);
    Atomics.sub(this.words, HOLDER_COUNT, count);
    return true;
  }

  #firstSlot(matches: (slot: number) => boolean): number | undefined {
    for (let slot = 0; slot < SLOT_COUNT; slot += 1) if (matches(slot)) return slot;
    return undefined;
  }
}

function isSharedWords(value: unknown, count: number): boolean {
  if (!types.isInt32Array(value)) return false;
  const { buffer, length } = placeOf(value);
  return length === count && types.isSharedArrayBuffer(buffer);
}

function takeTicket(ticket: Int32Array): boolean {
  return Atomics.compareExchange(ticket, 0, UNOPENED, OPENED) === UNOPENED;
}

function pendingWord(mode: AccessMode): number {
  return mode === 'read' ? PENDING_FOR_READ : PENDING_FOR_WRITE;
}

function ownThread(): bigint {
  return (BigInt(threadId) << BigInt(KERNEL_ID_BITS)) | BigInt(kernelThreadId());
}

function isAlive(thread: bigint, own: bigint): boolean {
  if (thread === own) return true;
  const [kernelId, ownKernelId] = [thread, own].map((each) => Number(BigInt.asIntN(KERNEL_ID_BITS, each)));
  // The calling thread has the reused kernel id of an ended thread.
  return kernelId !== ownKernelId && isThreadAlive(kernelId as number);
}
