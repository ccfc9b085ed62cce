import { inspect } from 'node:util';

import type { WaitOptions } from '../base/abort.ts';
import { wrongType } from '../base/argument-error.ts';
import { readWaitOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { readDescriptorLink } from '../linux/proc/descriptor-link.ts';
import { OwnedFd } from '../linux/calls/fd.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import { borrowFd, takeOverFd } from '../linux/calls/given-fd.ts';
import { readiness } from '../linux/calls/readiness.ts';
import { SyncFileCalls } from '../linux/calls/sync-file-calls.ts';
import type { SyncFileInfo } from '../linux/calls/sync-file-calls.ts';
import { checkBufferName } from './buffer-name.ts';

/**
 * A sync file's name in `/proc/self/fd` (drivers/dma-buf/sync_file.c, sync_file_alloc): no other
 * kind of file has it.
 */
const SYNC_FILE_LINK = 'anon_inode:sync_file';

/**
 * Fences of devices in a descriptor that can be passed on: those that an access had to wait for at
 * the export (drivers/dma-buf/sync_file.c). Close it when done.
 *
 * @example
 * ```ts
 * import { SyncFile, openHeap } from 'dmabuf';
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(4096, { shareable: true });
 * try {
 *   SyncFile.fromFd(buffer.exportFd()); // as a display gives it; a buffer's is none
 * } catch (error) {
 *   console.log(error instanceof Error); // true
 * }
 * buffer.close();
 * heap.close();
 * ```
 */
export class SyncFile {
  readonly #fd: OwnedFd;
  readonly #calls: SyncFileCalls;

  /** @internal */
  constructor(fd: OwnedFd, calls: SyncFileCalls = new SyncFileCalls()) {
    if (!OwnedFd.isOwnedFd(fd)) {
      const must = 'be SyncFile.fromFd()';
      throw wrongType({ action: 'open the sync file', name: 'new' }, { must, received: fd });
    }
    borrowOwned(fd);
    this.#fd = OwnedFd.prototype.closeWhenCollected.call(fd, 'a sync file');
    this.#calls = calls;
  }

  /** Whether a value is a sync file, regardless of its class. @internal */
  static isSyncFile(value: unknown): value is SyncFile {
    return typeof value === 'object' && value !== null && #fd in value;
  }

  /**
   * The descriptor, for an immediate call, regardless of properties put on the sync file. @internal
   */
  static borrowFrom(syncFile: SyncFile): BorrowedFd {
    return borrowOwned(syncFile.#fd);
  }

  /**
   * Takes ownership of a descriptor, such as the OUT_FENCE of a display: the sync file closes it.
   * An `OwnedFd` is empty from then on. On an error, the caller keeps ownership.
   *
   * @param fd an owned descriptor, or the number of one
   * @throws {TypeError | RangeError} when it is not a descriptor
   * @throws {DmaBufError} `EINVAL` for a file of another kind; `EBADF` for a number that is not
   *   open
   */
  static fromFd(fd: OwnedFd | number): SyncFile {
    const borrowed = borrowFd(fd, { action: 'open the sync file', name: 'fd' });
    new SyncFileCalls().checkOpen(borrowed);
    // Not by an ioctl: on another file it might block forever, or do something else.
    if (readDescriptorLink(borrowed) !== SYNC_FILE_LINK) {
      throw new DmaBufError(`Cannot open descriptor ${borrowed} as a sync file as it is something else`, {
        code: 'EINVAL',
      });
    }
    return new SyncFile(takeOverFd(fd));
  }

  /** Its name, its status (1: signaled; 0: active; below: an error number), and its fences. */
  info(): SyncFileInfo {
    return this.#calls.info(SyncFile.borrowFrom(this));
  }

  /** Whether all its fences are signaled, with or without an error. */
  get signaled(): boolean {
    return this.info().status !== 0;
  }

  /**
   * Resolves when all its fences are signaled. Rejects with the abort reason when `signal` aborts
   * first.
   */
  async wait(options: WaitOptions = {}): Promise<void> {
    const plain = readWaitOptions(options, 'wait for the sync file');
    await readiness.wait(SyncFile.borrowFrom(this), 'read', plain);
  }

  /**
   * A new sync file that is signaled when both are.
   *
   * @param name at most 31 bytes
   * @throws {TypeError | RangeError} when it is not a sync file, or for an invalid name
   */
  merge(other: SyncFile, name = ''): SyncFile {
    const checkedName = checkBufferName(name, { action: 'merge the sync files', name: 'name' });
    const merged = this.#calls.merge(
      SyncFile.borrowFrom(this),
      SyncFile.borrowFrom(checkSyncFile(other, 'merge')),
      checkedName,
    );
    return new SyncFile(merged, this.#calls);
  }

  /** A new descriptor of it, to pass on. */
  exportFd(): OwnedFd {
    return this.#calls.duplicate(SyncFile.borrowFrom(this)).closeWhenCollected('an exported sync file');
  }

  /** The descriptor, for an immediate call. @internal */
  borrowFd(): BorrowedFd {
    return SyncFile.borrowFrom(this);
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#fd.closed;
  }

  /** Idempotent. */
  close(): void {
    OwnedFd.prototype.close.call(this.#fd);
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `SyncFile { ${this.closed ? 'closed' : 'open'} }`;
  }
}

/** Refuses a value that is not a sync file. `action` completes "Cannot … the sync file". */
export function checkSyncFile(value: unknown, action: string): SyncFile {
  if (SyncFile.isSyncFile(value)) return value;
  const argument = { action: `${action} the sync file`, name: 'syncFile' };
  throw wrongType(argument, { must: 'be a SyncFile', received: value });
}

/** By the class's own method: the object may have another property of that name. */
function borrowOwned(fd: OwnedFd): BorrowedFd {
  return OwnedFd.prototype.borrow.call(fd);
}
