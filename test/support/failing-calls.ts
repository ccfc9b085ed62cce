import { libc } from '../../src/linux/libc.ts';
import type { RawCalls } from '../../src/linux/libc.ts';
import { MAP_FIXED } from '../../src/uapi/mman.ts';

const ENOMEM = 12;
const ENFILE = 23;
const EIO = 5;
const EACCES = 13;
const EINVAL = 22;
const EMFILE = 24;
const ENOBUFS = 105;

/** What each call is made to fail with: an error number that the kernel may really give. */
const ERRNO_BY_CALL: Partial<Record<keyof RawCalls, number>> = {
  memfd_create: ENFILE,
  ftruncate: ENOMEM,
  fcntl: ENOMEM,
  fallocate: EIO,
  lseek: EIO,
  close: EIO,
  open: EACCES,
  poll: ENOMEM,
  ioctl: EINVAL,
  epoll_create1: EMFILE,
  epoll_ctl: ENOMEM,
  mmap: ENOMEM,
  munmap: ENOMEM,
  mremap: ENOMEM,
  madvise: ENOMEM,
  socket: EMFILE,
  socketpair: EMFILE,
  bind: EACCES,
  listen: EINVAL,
  accept4: EMFILE,
  connect: EACCES,
  sendmsg: ENOBUFS,
  recvmsg: ENOMEM,
  getsockopt: ENOBUFS,
};

/** The C library, in which one call can be made to fail: the n-th from now on. */
export class FailingCalls {
  readonly raw: RawCalls;
  /** How many calls were made since {@link failAt}. */
  callCount = 0;
  /** The name of the call that failed, once it has. */
  failed: string | undefined;
  #failing = Number.POSITIVE_INFINITY;
  #errno = 0;

  constructor() {
    const raw = { ...libc };
    for (const [name, errno] of Object.entries(ERRNO_BY_CALL) as [keyof RawCalls, number][]) {
      const real = libc[name] as (...values: unknown[]) => number;
      Object.assign(raw, {
        [name]: (...values: number[]) => this.#call(name, errno, { real: () => real(...values), values }),
      });
    }
    raw.errno = () => (this.#errno === 0 ? libc.errno() : this.#errno);
    this.raw = raw;
  }

  /** The n-th call from now on fails, counted from 1. Without a number none does. */
  failAt(n: number = Number.POSITIVE_INFINITY): void {
    this.callCount = 0;
    this.failed = undefined;
    this.#failing = n;
  }

  #call(name: string, errno: number, { real, values }: { real: () => number; values: readonly number[] }): number {
    this.callCount += 1;
    if (this.callCount !== this.#failing) {
      this.#errno = 0;
      return real();
    }
    this.failed = name;
    this.#errno = errno;
    // close() reports an error after it has closed (man 2 close): the descriptor is gone all the same.
    if (name === 'close') real();
    unmapAsARefusalDoes(name, values);
    return -1;
  }
}

/** A refused MAP_FIXED or mremap may have unmapped what was at its target: whoever does not map there again dies of it. */
function unmapAsARefusalDoes(name: string, values: readonly number[]): void {
  const [first = 0, second = 0, third = 0, flags = 0, target = 0] = values;
  if (name === 'mmap' && (flags & MAP_FIXED) !== 0) libc.munmap(first, second);
  if (name === 'mremap') libc.munmap(target, third);
}
