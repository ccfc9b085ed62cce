import { inspect } from 'node:util';

import { OwnedFd } from '../linux/fd.ts';
import type { BorrowedFd } from '../linux/fd.ts';

/** Descriptors are C's `int`. */
const FD_MAX = 2 ** 31 - 1;

/**
 * The descriptor that a caller has given us, for a call made now. `action` completes "Cannot …".
 *
 * @throws {TypeError | RangeError} for what is no descriptor
 * @throws {DmaBufError} `ERR_DMABUF_CLOSED` for one that was closed or taken
 */
export function borrowFd(fd: unknown, action: string): BorrowedFd {
  if (fd instanceof OwnedFd) return fd.borrow();
  if (typeof fd !== 'number')
    throw new TypeError(`Cannot ${action} as it must be a descriptor: current value is ${inspect(fd)}`);
  if (!Number.isInteger(fd) || fd < 0 || fd > FD_MAX)
    throw new RangeError(`Cannot ${action} as a descriptor is a whole number from 0: current value is ${fd}`);
  return fd as BorrowedFd;
}
