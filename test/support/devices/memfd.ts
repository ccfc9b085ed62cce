import { CheckedCalls } from '../../../src/linux/calls/checked-calls.ts';
import type { OwnedFd } from '../../../src/linux/calls/fd.ts';
import { F_ADD_SEALS, O_CLOEXEC, O_RDONLY } from '../../../src/uapi/fcntl.ts';
import { F_SEAL_SHRINK, MFD_ALLOW_SEALING, MFD_CLOEXEC } from '../../../src/uapi/memfd.ts';

/** How a memfd of {@link createMemfd} is made. */
interface MemfdOptions {
  readonly length: number;
  /** `F_SEAL_*`. Default: against shrinking. */
  readonly seals?: number;
  /** `MFD_*`, besides those for sealing and closing. */
  readonly flags?: number;
}

class MemfdCalls extends CheckedCalls {
  create({ length, seals = F_SEAL_SHRINK, flags = 0 }: MemfdOptions): OwnedFd {
    const number = this.raw.memfd_create('dmabuf-test', MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    const fd = this.own(this.checked('memfd_create', number));
    this.checked('ftruncate', this.raw.ftruncate(number, length));
    if (seals !== 0) this.checked('fcntl', this.raw.fcntl(number, F_ADD_SEALS, seals));
    return fd;
  }

  open(fd: OwnedFd, flags: number): OwnedFd {
    return this.own(this.checked('open', this.raw.open(`/proc/self/fd/${fd.borrow()}`, flags | O_CLOEXEC)));
  }
}

/** A memfd with the seals of the test's choice. */
export function createMemfd(options: MemfdOptions): OwnedFd {
  return new MemfdCalls().create(options);
}

/** Another open file of such a memfd, through which it can be read only. */
export function openMemfdToRead(options: MemfdOptions): OwnedFd {
  const calls = new MemfdCalls();
  const memfd = calls.create(options);
  const opened = calls.open(memfd, O_RDONLY);
  memfd.close();
  return opened;
}
