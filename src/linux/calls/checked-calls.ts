import { errnoName } from '../../base/errors.ts';
import type { DmaBufError, ErrnoName } from '../../base/errors.ts';
import { F_DUPFD_CLOEXEC } from '../../uapi/fcntl.ts';
import { OwnedFd } from './fd.ts';
import type { BorrowedFd, FdCalls } from './fd.ts';
import { kernelCalls } from './kernel-calls.ts';
import type { RawCalls } from './kernel-calls.ts';
import { refusedCall } from './refused-call.ts';
import type { CallValues } from './refused-call.ts';

/**
 * The base of every group of system calls: a result below 0 becomes a {@link DmaBufError} with the
 * kernel's name for it.
 */
export class CheckedCalls {
  protected readonly raw: RawCalls;
  readonly #fdCalls: FdCalls = {
    close: (fd) => {
      this.checked('close', this.raw.close(fd));
    },
    closeAside: (fd) => this.raw.closeAside(fd),
    release: (fd) => this.raw.release(fd),
  };

  constructor(raw: RawCalls = kernelCalls) {
    this.raw = raw;
  }

  /** Another descriptor of the same open file, close-on-exec. */
  duplicate(fd: BorrowedFd): OwnedFd {
    return this.own(this.checked('fcntl', this.raw.fcntl(fd, F_DUPFD_CLOEXEC, 0), { fd }));
  }

  /** @throws {DmaBufError} when `result` says that the call was refused */
  protected checked(syscall: string, result: number, values: CallValues = {}): number {
    if (result < 0) throw this.error(syscall, result, values);
    return result;
  }

  /** The reason why a call was refused; undefined for one that succeeded. */
  protected refusalOf(result: number): ErrnoName | undefined {
    return result < 0 ? errnoName(-result) : undefined;
  }

  /** The error of a call that was refused with `result`. */
  protected error(syscall: string, result: number, values: CallValues): DmaBufError {
    return refusedCall(syscall, result, values);
  }

  /** Takes ownership of a descriptor that the kernel has just returned. */
  protected own(fd: number): OwnedFd {
    return new OwnedFd(fd, this.#fdCalls);
  }
}
