import { onAbort } from '../base/abort.ts';
import { withCleanup } from '../base/cleanup.ts';
import { EpollCalls } from './epoll-calls.ts';
import type { ReadinessKind } from './epoll-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { watchReadable } from './libc.ts';
import type { ReadableWatch } from './libc.ts';

/** Somebody who waits for a descriptor. */
interface Waiter {
  /** A duplicate: whoever waits is not disturbed when the descriptor itself is closed, and its number given away. */
  readonly fd: OwnedFd;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface WatchedEpoll {
  readonly fd: OwnedFd;
  readonly watch: ReadableWatch;
}

/**
 * Waits for descriptors without blocking: one epoll descriptor, watched by the event loop once, in which a duplicate of every
 * descriptor that somebody waits for is registered (man 7 epoll). Watching each descriptor itself would abort the process when two wait
 * for the same one, or when one is closed meanwhile.
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
   * Resolves when `fd` can be read or written, or when its other end is gone: then reading it tells what happened. Keeps the program
   * alive meanwhile. The descriptor may be closed while it is waited for; its file stays open until the wait ends.
   *
   * @throws {DmaBufError} `EPERM` for a descriptor that is always ready, such as a regular file or a memfd
   * @throws the abort reason when given up
   */
  async wait(fd: BorrowedFd, kind: ReadinessKind, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const token = this.#tokenNext;
    this.#tokenNext += 1;
    const duplicate = this.#register(fd, { kind, token });
    let stopListening = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.set(token, { fd: duplicate, resolve, reject });
        stopListening = onAbort(options.signal, reject);
      });
    } finally {
      stopListening();
      this.#remove(token);
    }
  }

  #register(fd: BorrowedFd, wanted: { kind: ReadinessKind; token: number }): OwnedFd {
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

  #remove(token: number): void {
    const waiter = this.#waiters.get(token);
    this.#waiters.delete(token);
    if (waiter === undefined || this.#epoll === undefined) return;
    try {
      // Taken out by name: closing a duplicate does not, while the file has other descriptors (man 7 epoll, question 6).
      this.#calls.remove(this.#epoll.fd.borrow(), waiter.fd.borrow());
    } finally {
      this.#closeWhenIdle();
      waiter.fd.close();
    }
  }

  #open(): WatchedEpoll {
    if (this.#epoll !== undefined) return this.#epoll;
    this.#epoll = withCleanup((cleanup) => {
      const fd = this.#calls.create();
      cleanup.defer(() => fd.close());
      return { fd, watch: watchReadable(fd.borrow(), () => this.#settle()) };
    });
    process.on('exit', this.#closeAtExit);
    return this.#epoll;
  }

  /** Each is told once, and takes itself out. Throws nothing: the process would end, as it is koffi that calls. */
  #settle(): void {
    if (this.#epoll === undefined) return;
    try {
      for (const token of this.#calls.readyNow(this.#epoll.fd.borrow())) this.#waiters.get(token)?.resolve();
    } catch (error) {
      for (const { reject } of this.#waiters.values()) reject(error);
    }
  }

  /** Not at once: who waits in a loop is back before the event loop has turned. */
  #closeWhenIdle(): void {
    if (this.#waiters.size > 0) return;
    this.#epoll?.watch.unref();
    setImmediate(() => {
      if (this.#waiters.size === 0) this.#close();
    });
  }

  #close(): void {
    process.off('exit', this.#closeAtExit);
    this.#epoll?.watch.close();
    this.#epoll?.fd.close();
    this.#epoll = undefined;
  }

  /** A worker thread's descriptors outlive it, and with them the files of whoever waits. Not told of `terminate()`, it cannot help there. */
  readonly #closeAtExit = (): void => {
    for (const { fd } of this.#waiters.values()) fd.close();
    this.#waiters.clear();
    this.#close();
  };
}

/** That of this thread: whatever waits in it shares one epoll descriptor. */
export const readiness: Readiness = new Readiness();
