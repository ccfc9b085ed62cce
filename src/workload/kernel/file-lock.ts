import { closeSync, openSync } from 'node:fs';

import { FileLockCalls } from '../../linux/calls/file-lock-calls.ts';
import { KernelLock, monotonicNs } from './kernel-lock.ts';
import type { LockUseCount, SleepingLock } from './kernel-lock.ts';

/**
 * A lock of the kernel between threads and processes: each has opened the same file, and flock(2)
 * excludes one open file from another. Whoever waits sleeps in the kernel, as for a `struct mutex`.
 * A holder that is killed loses its lock, as the kernel closes its files.
 *
 * While this thread waits, none of its tasks runs: it is for threads that have one thing to do.
 */
export class FileLock implements SleepingLock {
  readonly #calls: FileLockCalls;
  /** Between tasks of this thread: they have the same open file. */
  readonly #own = new KernelLock();
  readonly #use: LockUseCount;
  readonly #fd: number;

  /** @param path of a file that all who share the lock open */
  constructor(path: string, use: LockUseCount, calls = new FileLockCalls()) {
    this.#calls = calls;
    this.#fd = openSync(path, 'r');
    this.#use = use;
  }

  get isHeld(): boolean {
    return this.#own.isHeld;
  }

  async hold<Result>(body: () => Result | Promise<Result>): Promise<Result> {
    const askedNs = monotonicNs();
    const isQueued = this.#own.isHeld;
    return await this.#own.hold(async () => {
      const end = this.#take(askedNs, isQueued);
      try {
        return await body();
      } finally {
        end();
      }
    });
  }

  holdSync<Result>(body: () => Result): Result {
    return this.#own.holdSync(() => {
      const end = this.#take(monotonicNs(), false);
      try {
        return body();
      } finally {
        end();
      }
    });
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** @returns a function that gives it back */
  #take(askedNs: number, isQueued: boolean): () => void {
    const isFree = this.#calls.tryLock(this.#fd);
    if (!isFree) this.#calls.lock(this.#fd);
    const takenNs = monotonicNs();
    return () => {
      const releasedNs = monotonicNs();
      this.#calls.unlock(this.#fd);
      this.#use.add({ askedNs, takenNs, releasedNs }, isQueued || !isFree);
    };
  }
}
