import { kernelCalls } from '../../../src/linux/calls/kernel-calls.ts';
import type { RawCalls } from '../../../src/linux/calls/kernel-calls.ts';
import { MAP_FIXED } from '../../../src/uapi/mman.ts';
import { mapRunsByOne } from './raw-calls.ts';

const ENOMEM = 12;
const EPERM = 1;
const ENFILE = 23;
const EIO = 5;
const EACCES = 13;
const EINVAL = 22;
const EMFILE = 24;
const ENOBUFS = 105;
const ENOLCK = 37;

/** The error of each call: a number that the kernel may really return. */
const ERRNO_BY_CALL: Partial<Record<keyof RawCalls, number>> = {
  memfd_create: ENFILE,
  ftruncate: ENOMEM,
  flock: ENOLCK,
  fcntl: EPERM,
  fallocate: EIO,
  lseek: EIO,
  read: EIO,
  close: EIO,
  open: EACCES,
  poll: ENOMEM,
  ioctl: EINVAL,
  ioctlForFd: EINVAL,
  statx: ENOMEM,
  fstatfs: ENOMEM,
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
  setsockopt: ENOMEM,
};

/** The C library, in which one call can be made to fail: the n-th from now on. */
export class FailingCalls {
  readonly raw: RawCalls;
  /** How many calls were made since {@link failAt}. */
  callCount = 0;
  /** The name of the call that failed, once it has. */
  failed: string | undefined;
  #failing = Number.POSITIVE_INFINITY;
  #countedFrom: keyof RawCalls | undefined;

  constructor() {
    const raw = { ...kernelCalls };
    for (const [name, errno] of Object.entries(ERRNO_BY_CALL) as [keyof RawCalls, number][]) {
      const real = kernelCalls[name] as (...values: unknown[]) => number;
      Object.assign(raw, {
        [name]: (...values: number[]) => this.#call(name, errno, { real: () => real(...values), values }),
      });
    }
    raw.mapRuns = mapRunsByOne(raw);
    // Synchronously: the leftovers are counted right afterwards.
    raw.closeAside = (fd) => {
      kernelCalls.close(fd);
    };
    this.raw = raw;
  }

  /**
   * The n-th call from now on fails, counted from 1. Without a number none does.
   *
   * @param countedFrom a call that restarts the count: for an operation that is retried from its
   *   start, and is to fail again
   */
  failAt(n: number = Number.POSITIVE_INFINITY, countedFrom?: keyof RawCalls): void {
    this.callCount = 0;
    this.failed = undefined;
    this.#failing = n;
    this.#countedFrom = countedFrom;
  }

  #call(name: string, errno: number, { real, values }: { real: () => number; values: readonly number[] }): number {
    if (name === this.#countedFrom) this.callCount = 0;
    this.callCount += 1;
    if (this.callCount !== this.#failing) return real();
    // The border's own name for an ioctl that gives a descriptor.
    this.failed = name === 'ioctlForFd' ? 'ioctl' : name;
    // close() reports an error after it has closed (man 2 close): the descriptor is closed all the
    // same.
    if (name === 'close') real();
    unmapAsARefusalDoes(name, values);
    return -errno;
  }
}

/**
 * A refused MAP_FIXED or mremap may have unmapped its target: code that does not map there again
 * crashes.
 */
function unmapAsARefusalDoes(name: string, values: readonly number[]): void {
  const [first = 0, second = 0, third = 0, flags = 0, target = 0] = values;
  if (name === 'mmap' && (flags & MAP_FIXED) !== 0) kernelCalls.munmap(first, second);
  if (name === 'mremap') kernelCalls.munmap(target, third);
}
