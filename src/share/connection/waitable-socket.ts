import { onAbort, throwIfAborted } from '../../base/abort.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import type { ShareContext } from './share-context.ts';
import { isShortage, SHORTAGE_RETRY_MS } from './shortage.ts';

type Readiness = ShareContext['readiness'];

/** The means of waiting for a socket. */
interface WaitableSocketSetup extends Pick<ShareContext, 'sockets' | 'readiness'> {
  /** The socket's name in messages. */
  readonly label: string;
  /**
   * Whether other processes may have the same socket, and keep using it: true for a socket from
   * elsewhere.
   */
  readonly isShared: boolean;
}

/** A socket that may be closed while it is waited for: every wait rejects then. */
export class WaitableSocket {
  readonly #fd: OwnedFd;
  readonly #setup: WaitableSocketSetup;
  readonly #waits = new Set<AbortController>();
  #closed = false;

  /** Takes ownership of the descriptor. */
  constructor(fd: OwnedFd, setup: WaitableSocketSetup) {
    this.#fd = fd;
    this.#setup = setup;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` after {@link close} */
  borrow(): BorrowedFd {
    if (this.#closed) throw this.#closedError();
    return this.#fd.borrow();
  }

  /**
   * Resolves when the socket is worth another attempt: when it is ready, or after a moment if this
   * process lacks the descriptors or memory to wait for that.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it is closed, before or meanwhile; the abort
   *   reason when `signal` aborts
   */
  async wait(kind: Parameters<Readiness['wait']>[1], signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    const fd = this.borrow();
    await this.#untilAborted(signal, async (wait) => {
      try {
        await this.#setup.readiness.wait(fd, kind, { signal: wait });
      } catch (error) {
        if (wait.aborted || !isShortage(error)) throw error;
        await pause(SHORTAGE_RETRY_MS, wait);
      }
    });
  }

  /** Waits for some time. Throws like {@link wait}. */
  async pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    this.borrow();
    await this.#untilAborted(signal, async (wait) => pause(ms, wait));
  }

  /**
   * Closes the socket. The other end sees that at once. The descriptor itself is closed in another
   * thread: its queue may hold descriptors of a peer, unreceived, whose close blocks. Idempotent.
   *
   * @param drain empties a listener's queue first, so that its name is free at once
   */
  close(drain?: (fd: BorrowedFd) => void): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const wait of this.#waits) wait.abort(this.#closedError());
    const { sockets, isShared } = this.#setup;
    if (isShared) {
      this.#fd.closeAside();
      return;
    }
    sockets.shutDown(this.#fd.borrow());
    if (drain === undefined) {
      this.#fd.closeAside();
      return;
    }
    drain(this.#fd.borrow());
    this.#fd.close();
  }

  async #untilAborted(signal: AbortSignal | undefined, work: (wait: AbortSignal) => Promise<void>): Promise<void> {
    throwIfAborted(signal);
    const wait = new AbortController();
    const stopListening = onAbort(signal, (reason) => wait.abort(reason));
    this.#waits.add(wait);
    try {
      await work(wait.signal);
    } finally {
      this.#waits.delete(wait);
      stopListening();
    }
  }

  #closedError(): DmaBufError {
    return new DmaBufError(`Cannot use ${this.#setup.label} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopListening();
      resolve();
    }, ms);
    const stopListening = onAbort(signal, (reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}
