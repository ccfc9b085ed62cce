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
    await new Promise<void>((resolve, reject) => {
      const token = this.#add(fd, kind, () => {
        stopListening();
        resolve();
      });
      const stopListening = onAbort(options.signal, (reason) => {
        this.#remove(token);
        reject(reason);
      });
    });
  }

  #add(fd: BorrowedFd, kind: ReadinessKind, resolve: () => void): number {
    const token = this.#tokenNext;
    this.#tokenNext += 1;
    const epoll = this.#open();
    const waiter = withCleanup((cleanup) => {
      cleanup.defer(() => this.#closeWhenIdle());
      const duplicate = this.#calls.duplicate(fd);
      cleanup.defer(() => duplicate.close());
      this.#calls.add(epoll.fd.borrow(), duplicate.borrow(), { kind, token });
      return { fd: duplicate, resolve };
    });
    this.#waiters.set(token, waiter);
    epoll.watch.ref();
    return token;
  }

  #remove(token: number): Waiter | undefined {
    const waiter = this.#waiters.get(token);
    if (waiter === undefined || this.#epoll === undefined) return undefined;
    this.#waiters.delete(token);
    // Taken out by name: closing a duplicate does not, while the file has other descriptors (man 7 epoll, question 6).
    this.#calls.remove(this.#epoll.fd.borrow(), waiter.fd.borrow());
    waiter.fd.close();
    this.#closeWhenIdle();
    return waiter;
  }

  #open(): WatchedEpoll {
    this.#epoll ??= withCleanup((cleanup) => {
      const fd = this.#calls.create();
      cleanup.defer(() => fd.close());
      return { fd, watch: watchReadable(fd.borrow(), () => this.#settle()) };
    });
    return this.#epoll;
  }

  #settle(): void {
    if (this.#epoll === undefined) return;
    for (const token of this.#calls.readyNow(this.#epoll.fd.borrow())) this.#remove(token)?.resolve();
  }

  /** Not at once: who waits in a loop is back before the event loop has turned. */
  #closeWhenIdle(): void {
    if (this.#waiters.size > 0) return;
    this.#epoll?.watch.unref();
    setImmediate(() => {
      if (this.#waiters.size > 0 || this.#epoll === undefined) return;
      this.#epoll.watch.close();
      this.#epoll.fd.close();
      this.#epoll = undefined;
    }).unref();
  }
}

/** That of this thread: whatever waits in it shares one epoll descriptor. */
export const readiness: Readiness = new Readiness();
