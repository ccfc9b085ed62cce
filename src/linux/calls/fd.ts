import type { Brand } from '../../base/quantities.ts';
import { collector } from '../../base/collector.ts';
import type { CollectionWatch } from '../../base/collector.ts';
import { checkInteger } from '../../base/check.ts';
import { DmaBufError } from '../../base/errors.ts';
import { FD_MAX } from '../../base/limits.ts';
import { F_GETFL } from '../../uapi/fcntl.ts';
import { kernelCalls } from './kernel-calls.ts';
import { refusedCall } from './refused-call.ts';

/** A file descriptor that another object owns and closes. Valid while its owner keeps it open. */
export type BorrowedFd = Brand<number, 'BorrowedFd'>;

/** The calls that close or release a descriptor. */
export interface FdCalls {
  close(fd: number): void;
  /** Closes it in another thread. Reports no errors. */
  closeAside(fd: number): void;
  /** Leaves it open when the thread ends. */
  release(fd: number): void;
}

/** For descriptors that did not come from a call of this package. */
const ADOPTED: FdCalls = {
  close: (fd) => {
    const result = kernelCalls.close(fd);
    if (result < 0) throw refusedCall('close', result, { fd });
  },
  closeAside: (fd) => kernelCalls.closeAside(fd),
  release: (fd) => kernelCalls.release(fd),
};

/**
 * A file descriptor that belongs to the holder of this object. Close it, or pass it to a function
 * that takes ownership. docs/decisions/0012-who-closes-a-descriptor.md has the rule.
 *
 * @example
 * ```ts
 * import { openSync } from 'node:fs';
 * import { OwnedFd } from 'dmabuf';
 *
 * const fd = OwnedFd.adopt(openSync('/dev/null', 'r'));
 * fd.close();
 * console.log(fd.closed); // true
 * ```
 */
export class OwnedFd {
  #fd: number | undefined;
  readonly #calls: FdCalls;
  #watch: CollectionWatch | undefined;

  /** @internal */
  constructor(fd: number, calls: FdCalls) {
    this.#fd = fd;
    this.#calls = calls;
  }

  /**
   * Takes ownership of a descriptor from elsewhere, such as a driver's library or `fs.openSync`.
   * From now on this object closes it, and no other code may.
   *
   * @param fd its number
   * @throws {TypeError | RangeError} when it is not a descriptor number
   * @throws {DmaBufError} `EBADF` when it is not open: ownership stays with the caller then
   */
  static adopt(fd: number): OwnedFd {
    const number = checkInteger(fd, { action: 'adopt the descriptor', name: 'fd', min: 0, max: FD_MAX });
    const result = kernelCalls.fcntl(number, F_GETFL, 0);
    if (result < 0) throw refusedCall('fcntl', result, { fd: number });
    kernelCalls.hold(number);
    return new OwnedFd(number, ADOPTED).closeWhenCollected('a descriptor that OwnedFd.adopt() took over');
  }

  /** Whether a value is an owned descriptor, regardless of its class. @internal */
  static isOwnedFd(value: unknown): value is OwnedFd {
    return typeof value === 'object' && value !== null && #fd in value;
  }

  /** Whether the descriptor is gone: closed, or its ownership passed on. */
  get closed(): boolean {
    return this.#fd === undefined;
  }

  /**
   * For a descriptor that a user holds: it is closed when it is collected, because no code could
   * close it after that.
   *
   * @param what the subject of the warning
   * @internal
   */
  closeWhenCollected(what: string): this {
    const fd = this.#open();
    this.#watch ??= collector.watch({ collect: closeCollected.bind(undefined, fd, this.#calls, what) });
    return this;
  }

  /**
   * The descriptor's number, for an immediate call. This object keeps ownership.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()` or `take()`
   */
  borrow(): BorrowedFd {
    return this.#open() as BorrowedFd;
  }

  /** The descriptor's number, with its ownership: closing it is now the caller's task. */
  take(): number {
    const fd = this.#open();
    this.#forget();
    this.#calls.release(fd);
    return fd;
  }

  /** Closes the descriptor. Idempotent. */
  close(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    // Cleared first: the kernel has released the number even where close() reports an error (man 2
    // close).
    this.#forget();
    this.#calls.close(fd);
  }

  /**
   * Closes the descriptor in another thread, for files whose close may block. Those are files that
   * another process sent and that are not known to be memfds, dma-bufs or sync files, and sockets
   * in whose queues such files may lie. Errors of the close are dropped: the number is free either
   * way, and a user-space file system may return any error. Idempotent.
   */
  closeAside(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#forget();
    this.#calls.closeAside(fd);
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  #forget(): void {
    this.#fd = undefined;
    if (this.#watch !== undefined) collector.unwatch(this.#watch);
    this.#watch = undefined;
  }

  #open(): number {
    if (this.#fd === undefined) {
      throw new DmaBufError('Cannot use a file descriptor after it was closed or taken', { code: 'ERR_DMABUF_CLOSED' });
    }
    return this.#fd;
  }
}

function closeCollected(fd: number, calls: FdCalls, what: string): void {
  calls.closeAside(fd);
  process.emitWarning(`${what} was collected without having been closed`, {
    type: 'DmaBufWarning',
    code: 'DMABUF_UNCLOSED',
    detail: `It was descriptor ${fd}. Close it, or give it to what takes it over, when it is done with.`,
  });
}
