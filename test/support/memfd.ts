import { CheckedCalls } from '../../src/linux/checked-calls.ts';
import type { OwnedFd } from '../../src/linux/fd.ts';
import { F_ADD_SEALS } from '../../src/uapi/fcntl.ts';
import { F_SEAL_SHRINK, MFD_ALLOW_SEALING, MFD_CLOEXEC } from '../../src/uapi/memfd.ts';

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
}

/** A memfd with the seals of the test's choice. */
export function createMemfd(options: MemfdOptions): OwnedFd {
  return new MemfdCalls().create(options);
}
