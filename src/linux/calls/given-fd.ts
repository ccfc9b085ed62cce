import { wrongType } from '../../base/argument-error.ts';
import type { Argument } from '../../base/argument-error.ts';
import { checkInteger } from '../../base/check.ts';
import { FD_MAX } from '../../base/limits.ts';
import { OwnedFd } from './fd.ts';
import type { BorrowedFd } from './fd.ts';

/**
 * A descriptor that a caller passed, for an immediate call. The caller keeps ownership.
 *
 * @throws {TypeError | RangeError} when it is not a descriptor
 * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when it was closed or taken
 */
export function borrowFd(fd: unknown, argument: Argument): BorrowedFd {
  // By the class's own method: the object may have another property of that name.
  if (OwnedFd.isOwnedFd(fd)) return OwnedFd.prototype.borrow.call(fd);
  if (typeof fd !== 'number') throw wrongType(argument, { must: 'be an OwnedFd or the number of one', received: fd });
  return checkInteger(fd, { ...argument, min: 0, max: FD_MAX }) as BorrowedFd;
}

/**
 * Takes ownership of a descriptor that a caller passed: an `OwnedFd` of the caller is empty from
 * now on. To refuse invalid values first, use the borrowing function.
 */
export function takeOverFd(fd: OwnedFd | number): OwnedFd {
  return OwnedFd.adopt(OwnedFd.isOwnedFd(fd) ? OwnedFd.prototype.take.call(fd) : fd);
}
