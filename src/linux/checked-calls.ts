import { DmaBufError, errnoName } from '../base/errors.ts';
import type { ErrnoName } from '../base/errors.ts';
import { F_DUPFD_CLOEXEC } from '../uapi/fcntl.ts';
import { descriptorRemedy } from './descriptor-remedy.ts';
import { OwnedFd } from './fd.ts';
import type { BorrowedFd } from './fd.ts';
import { libc } from './libc.ts';
import type { RawCalls } from './libc.ts';

/** The values of a call that its refusal is to name. */
export type CallValues = Readonly<Record<string, number | string>>;

/** What every group of system calls shares: a result of -1 becomes a {@link DmaBufError} with the kernel's name for it. */
export class CheckedCalls {
  protected readonly raw: RawCalls;

  constructor(raw: RawCalls = libc) {
    this.raw = raw;
  }

  /** Another descriptor of the same open file, closed on exec. */
  duplicate(fd: BorrowedFd): OwnedFd {
    return this.own(this.checked('fcntl', this.raw.fcntl(fd, F_DUPFD_CLOEXEC, 0), { fd }));
  }

  /** @throws {DmaBufError} when `result` says that the call was refused */
  protected checked(syscall: string, result: number, values: CallValues = {}): number {
    if (result === -1) throw this.error(syscall, values);
    return result;
  }

  /** Why the last call of this thread was refused. */
  protected errno(): ErrnoName {
    return errnoName(this.raw.errno());
  }

  /** The error of the last call of this thread. */
  protected error(syscall: string, values: CallValues): DmaBufError {
    const code = this.errno();
    const list = Object.entries(values).map(([name, value]) => `${name} ${value}`);
    const where = list.length === 0 ? '' : ` (${list.join(', ')})`;
    const message = `${syscall} failed with ${code}${where}${descriptorRemedy(code)}`;
    return new DmaBufError(message, { code, syscall, values });
  }

  /** A descriptor that the kernel has just given us. */
  protected own(fd: number): OwnedFd {
    return new OwnedFd(fd, (number) => {
      this.checked('close', this.raw.close(number));
    });
  }
}
