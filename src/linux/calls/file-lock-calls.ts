import { LOCK_EX, LOCK_NB, LOCK_UN } from '../../uapi/fcntl.ts';
import { CheckedCalls } from './checked-calls.ts';

/** Locks on open files (man 2 flock). */
export class FileLockCalls extends CheckedCalls {
  /**
   * Locks a file, without waiting. The lock ends when the descriptor is closed, at the latest with
   * its process.
   *
   * @returns false while another open file of the same inode has the lock, in this process or any
   *   other
   */
  tryLock(fd: number): boolean {
    for (;;) {
      const result = this.raw.flock(fd, LOCK_EX | LOCK_NB);
      const code = this.refusalOf(result);
      if (code === 'EINTR') continue;
      if (code === 'EAGAIN') return false;
      this.checked('flock', result);
      return true;
    }
  }

  /**
   * As {@link tryLock}, but the calling thread sleeps until it has the lock. The kernel passes it
   * on when its holder's process ends, however that ends.
   */
  lock(fd: number): void {
    for (;;) {
      const result = this.raw.flock(fd, LOCK_EX);
      if (this.refusalOf(result) === 'EINTR') continue;
      this.checked('flock', result);
      return;
    }
  }

  unlock(fd: number): void {
    this.checked('flock', this.raw.flock(fd, LOCK_UN));
  }
}
