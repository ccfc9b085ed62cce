import { CheckedCalls } from './checked-calls.ts';

/** Signal 0 checks whether a thread exists, and sends nothing (man 2 tgkill). */
const NO_SIGNAL = 0;

/** Calls on the threads of this process. System calls rather than `/proc`, which may be missing. */
class ThreadCalls extends CheckedCalls {
  /** gettid(2) */
  ownId(): number {
    return this.checked('gettid', this.raw.gettid());
  }

  /** A thread that is ending counts: its memory is still in use. */
  isAlive(id: number): boolean {
    const result = this.raw.tgkill(process.pid, id, NO_SIGNAL);
    if (this.refusalOf(result) === 'ESRCH') return false;
    this.checked('tgkill', result, { id });
    return true;
  }
}

const calls = new ThreadCalls();

/** The kernel's id of the calling thread. The kernel may reuse it once this thread has ended. */
export function kernelThreadId(): number {
  return calls.ownId();
}

/** Whether this process has a thread with that id of {@link kernelThreadId}. */
export function isThreadAlive(id: number): boolean {
  return calls.isAlive(id);
}
