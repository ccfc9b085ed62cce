import { onAbort, throwIfAborted } from '../../base/abort.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { EpollCalls } from './epoll-calls.ts';
import type { ReadinessKind } from './epoll-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { ReadableWatch } from './kernel-calls.ts';

/** One wait for a descriptor. */
interface Waiter {
  /**
   * A duplicate: closing the descriptor itself, and reusing its number, does not disturb the wait.
   */
  readonly fd: OwnedFd;
  readonly ready: (events: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What {@link Readiness.watch} calls. Neither may throw: what escapes is an uncaught exception. */
interface ReadinessListener {
  /** @param events for `hasFailed` of epoll-calls.ts */
  ready(events: number): void;
  /** The watch itself failed. */
  failed(error: unknown): void;
}

/** A watch that {@link Readiness.watch} began. */
export interface ReadinessWatch {
  /** Nothing is told from now on. Idempotent. */
  close(): void;
}

interface WatchedEpoll {
  readonly fd: OwnedFd;
  readonly watch: ReadableWatch;
}

/**
 * Waits for descriptors without blocking. The event loop watches one epoll descriptor, in which a
 * duplicate of every awaited descriptor is registered (man 7 epoll). Watching each descriptor
 * directly would abort the process when two waits are for the same one, or when one is closed
 * meanwhile.
 */
export class Readiness {
  readonly #calls: EpollCalls;
  readonly #waiters = new Map<number, Waiter>();
  #epoll: WatchedEpoll | undefined;
  #tokenNext = 1;

  constructor(calls: EpollCalls = new EpollCalls()) {
    this.#calls = calls;
  }

  /**
   * Resolves when `fd` can be read or written, or when its other end is gone: reading then returns
   * the reason. Keeps the program alive meanwhile. The descriptor may be closed during the wait;
   * its file stays open until the wait ends.
   *
   * @throws {DmaBufError} `EPERM` for a descriptor that epoll does not support, such as a regular
   *   file or a memfd
   * @throws the abort reason when aborted
   */
  async wait(fd: BorrowedFd, kind: ReadinessKind, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    throwIfAborted(signal);
    const token = this.#tokenNext;
    this.#tokenNext += 1;
    const duplicate = this.#register(fd, { kind, token });
    let stopListening = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.set(token, { fd: duplicate, ready: () => resolve(), reject });
        stopListening = onAbort(signal, reject);
      });
    } catch (error) {
      // This may be the last descriptor of the file by now, and closing that may block.
      this.#remove(token, (fd) => fd.closeAside());
      throw error;
    } finally {
      stopListening();
    }
    this.#remove(token, (fd) => fd.close());
  }

  /**
   * Tells `listener` from the event loop for as long as `fd` is ready: for what is waited for again
   * and again. Registered once, a turn costs a single call, where {@link wait} takes six. Keeps the
   * program alive until it is closed.
   *
   * @throws {DmaBufError} as {@link wait}
   */
  watch(fd: BorrowedFd, kind: ReadinessKind, listener: ReadinessListener): ReadinessWatch {
    const token = this.#tokenNext;
    this.#tokenNext += 1;
    const duplicate = this.#register(fd, { kind, token, repeated: true });
    this.#waiters.set(token, {
      fd: duplicate,
      ready: (events) => listener.ready(events),
      reject: (error) => listener.failed(error),
    });
    return { close: () => this.#remove(token, (watched) => watched.close()) };
  }

  #register(fd: BorrowedFd, wanted: { kind: ReadinessKind; token: number; repeated?: boolean }): OwnedFd {
    const epoll = this.#open();
    return withCleanup((cleanup) => {
      cleanup.defer(() => this.#closeWhenIdle());
      const duplicate = this.#calls.duplicate(fd);
      cleanup.defer(() => duplicate.close());
      this.#calls.add(epoll.fd.borrow(), duplicate.borrow(), wanted);
      epoll.watch.ref();
      return duplicate;
    });
  }

  #remove(token: number, close: (fd: OwnedFd) => void): void {
    const waiter = this.#waiters.get(token);
    this.#waiters.delete(token);
    if (waiter === undefined || this.#epoll === undefined) return;
    try {
      // Removed explicitly: closing a duplicate does not remove it while the file has other
      // descriptors (man 7 epoll, question 6).
      this.#calls.remove(this.#epoll.fd.borrow(), waiter.fd.borrow());
    } finally {
      this.#closeWhenIdle();
      close(waiter.fd);
    }
  }

  #open(): WatchedEpoll {
    if (this.#epoll !== undefined) return this.#epoll;
    this.#epoll = withCleanup((cleanup) => {
      const fd = this.#calls.create();
      cleanup.defer(() => fd.close());
      return { fd, watch: this.#calls.watch(fd.borrow(), () => this.#settle()) };
    });
    return this.#epoll;
  }

  /**
   * Each waiter is called once, and removes itself; each watch is called at every turn. Throws
   * nothing: an error that escapes from here would be an uncaught exception.
   */
  #settle(): void {
    if (this.#epoll === undefined) return;
    try {
      this.#calls.tellReady(this.#epoll.fd.borrow(), (token, events) => this.#waiters.get(token)?.ready(events));
    } catch (error) {
      for (const { reject } of this.#waiters.values()) reject(error);
    }
  }

  /** Deferred: a caller that waits in a loop waits again before the event loop has turned. */
  #closeWhenIdle(): void {
    if (this.#waiters.size > 0) return;
    this.#epoll?.watch.unref();
    setImmediate(() => {
      if (this.#waiters.size === 0) this.#close();
    });
  }

  #close(): void {
    this.#epoll?.watch.close();
    this.#epoll?.fd.close();
    this.#epoll = undefined;
  }
}

/** One per thread: all waits of a thread share one epoll descriptor. */
export const readiness: Readiness = new Readiness();
