import { onAbort } from '../base/abort.ts';
import { DmaBufError } from '../base/errors.ts';
import type { BorrowedFd, OwnedFd } from '../linux/fd.ts';
import type { ShareSurroundings } from './share-surroundings.ts';

type Readiness = ShareSurroundings['readiness'];

/** A socket that may be closed while somebody waits for it: whoever waits is told. */
export class WaitableSocket {
  readonly #fd: OwnedFd;
  readonly #readiness: Readiness;
  /** How messages call it. */
  readonly #label: string;
  readonly #waits = new Set<AbortController>();
  #closed = false;

  /** Takes the descriptor over. */
  constructor(fd: OwnedFd, readiness: Readiness, label: string) {
    this.#fd = fd;
    this.#readiness = readiness;
    this.#label = label;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` after {@link close} */
  borrow(): BorrowedFd {
    if (this.#closed) throw this.#closedError();
    return this.#fd.borrow();
  }

  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it is closed, before or meanwhile; the abort reason when `signal` aborts */
  async wait(kind: Parameters<Readiness['wait']>[1], signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const fd = this.borrow();
    const wait = new AbortController();
    const stopListening = onAbort(signal, (reason) => wait.abort(reason));
    this.#waits.add(wait);
    try {
      await this.#readiness.wait(fd, kind, { signal: wait.signal });
    } finally {
      this.#waits.delete(wait);
      stopListening();
    }
  }

  /** Again: does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const wait of this.#waits) wait.abort(this.#closedError());
    this.#fd.close();
  }

  #closedError(): DmaBufError {
    return new DmaBufError(`Cannot use ${this.#label} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}
