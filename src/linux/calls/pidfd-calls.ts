import { DmaBufError } from '../../base/errors.ts';
import { withCleanup } from '../../base/cleanup.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { OwnedFd } from './fd.ts';

/** A descriptor of another process, by its number there. */
export interface ForeignDescriptor {
  readonly pid: number;
  readonly fd: number;
}

/** Why the calls refuse (man 2 pidfd_open, man 2 pidfd_getfd), and the remedy. */
const REASONS: Partial<Record<ErrnoName, (foreign: ForeignDescriptor) => string>> = {
  ESRCH: ({ pid }) => `there is no process ${pid}: "dmabuf ls --by process" lists those that hold buffers`,
  EINVAL: ({ pid }) => `${pid} is a thread: give the number of its process`,
  EBADF: ({ pid }) => `it has no such descriptor: "ls -l /proc/${pid}/fd" lists those it has`,
  EPERM: () => 'taking one asks for the right to trace that process (ptrace)',
  ENOSYS: () => 'this kernel has no pidfd_getfd: it came with 5.6',
};

/** Calls on other processes. */
export class PidfdCalls extends CheckedCalls {
  /**
   * A duplicate of another process's descriptor.
   *
   * @throws {DmaBufError} `ESRCH`, `EBADF` or `EPERM`, with the remedy
   */
  duplicateFrom(foreign: ForeignDescriptor): OwnedFd {
    return withCleanup((cleanup) => {
      const pidfd = this.own(this.#call('pidfd_open', this.raw.pidfd_open(foreign.pid, 0), foreign));
      cleanup.defer(() => pidfd.close());
      const result = this.raw.pidfd_getfd(pidfd.borrow(), foreign.fd, 0);
      const duplicate = this.own(this.#call('pidfd_getfd', result, foreign));
      cleanup.defer(() => duplicate.close());
      pidfd.close();
      return duplicate;
    });
  }

  #call(syscall: string, result: number, foreign: ForeignDescriptor): number {
    const code = this.refusalOf(result);
    if (code === undefined) return result;
    const reason = REASONS[code]?.(foreign) ?? `${syscall} failed with ${code}`;
    throw new DmaBufError(`Cannot take descriptor ${foreign.fd} of process ${foreign.pid} as ${reason}`, {
      code,
      syscall,
      values: { ...foreign },
    });
  }
}
