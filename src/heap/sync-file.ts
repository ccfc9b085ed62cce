import { inspect } from 'node:util';

import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { OwnedFd } from '../linux/fd.ts';
import { readiness } from '../linux/readiness.ts';
import { SyncFileCalls } from '../linux/sync-file-calls.ts';
import type { SyncFileInfo } from '../linux/sync-file-calls.ts';
import { checkBufferName } from './buffer-name.ts';
import type { WaitOptions } from './fence.ts';

/**
 * Fences of devices in a descriptor that can be passed on: what stood against an access when it was exported (drivers/dma-buf/sync_file.c).
 * Close it when done.
 */
export class SyncFile {
  readonly #fd: OwnedFd;
  readonly #calls: SyncFileCalls;

  /** @internal */
  constructor(fd: OwnedFd, calls: SyncFileCalls = new SyncFileCalls()) {
    this.#fd = fd;
    this.#calls = calls;
  }

  /**
   * Takes a descriptor over. Refused, it stays the caller's.
   *
   * @throws {TypeError} for anything but an owned descriptor
   * @throws {DmaBufError} `EINVAL` for a descriptor of another kind
   */
  static fromFd(fd: OwnedFd): SyncFile {
    if (!(fd instanceof OwnedFd))
      throw new TypeError(`Cannot open a sync file as it must be an owned descriptor: current value is ${inspect(fd)}`);
    const calls = new SyncFileCalls();
    try {
      calls.info(fd.borrow());
    } catch (cause) {
      if (!isDmaBufError(cause) || cause.syscall !== 'ioctl') throw cause;
      throw new DmaBufError(`Cannot open descriptor ${fd.borrow()} as a sync file as it is something else`, {
        code: 'EINVAL',
        syscall: 'ioctl',
        cause,
      });
    }
    return new SyncFile(fd, calls);
  }

  /** Its name, its status (1: signaled; 0: active; below: an error number), and its fences. */
  info(): SyncFileInfo {
    return this.#calls.info(this.#fd.borrow());
  }

  /** Whether all its fences are signaled, with or without an error. */
  get signaled(): boolean {
    return this.info().status !== 0;
  }

  /** Resolves when all its fences are signaled. Rejects with the abort reason when `signal` aborts first. */
  async wait(options: WaitOptions = {}): Promise<void> {
    await readiness.wait(this.#fd.borrow(), 'read', options);
  }

  /** A new sync file that is signaled when both are. @param name at most 31 bytes */
  merge(other: SyncFile, name = ''): SyncFile {
    const merged = this.#calls.merge(this.#fd.borrow(), other.#fd.borrow(), checkBufferName(name));
    return new SyncFile(merged, this.#calls);
  }

  /** A descriptor of its own, to pass on. */
  exportFd(): OwnedFd {
    return this.#calls.duplicate(this.#fd.borrow());
  }

  /** The descriptor, for a call made now. @internal */
  borrowFd(): ReturnType<OwnedFd['borrow']> {
    return this.#fd.borrow();
  }

  get closed(): boolean {
    return this.#fd.closed;
  }

  /** Again: does nothing. */
  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `SyncFile { ${this.closed ? 'closed' : 'open'} }`;
  }
}
