import type { Brand } from '../base/brand.ts';
import { DmaBufError } from '../base/errors.ts';

/** A file descriptor that somebody else closes. Valid for as long as its owner keeps it open. */
export type BorrowedFd = Brand<number, 'BorrowedFd'>;

/** A file descriptor that belongs to whoever holds this object: close it, or it stays open. */
export class OwnedFd {
  #fd: number | undefined;
  readonly #close: (fd: number) => void;

  /** @internal */
  constructor(fd: number, close: (fd: number) => void) {
    this.#fd = fd;
    this.#close = close;
  }

  get closed(): boolean {
    return this.#fd === undefined;
  }

  /**
   * The descriptor's number, for a call made now. This object goes on owning it.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()` or `take()`
   */
  borrow(): BorrowedFd {
    return this.#open() as BorrowedFd;
  }

  /** The descriptor's number, for good: closing it is now the caller's task. */
  take(): number {
    const fd = this.#open();
    this.#fd = undefined;
    return fd;
  }

  /** Closes the descriptor. Again: does nothing. */
  close(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    // Forgotten first: the kernel has released the number even where close() reports an error (man 2 close).
    this.#fd = undefined;
    this.#close(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    if (this.#fd === undefined) {
      throw new DmaBufError('Cannot use a file descriptor after it was closed or taken', { code: 'ERR_DMABUF_CLOSED' });
    }
    return this.#fd;
  }
}
