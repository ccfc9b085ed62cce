import { checkInteger } from '../base/check.ts';
import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { UINT_MAX } from '../base/limits.ts';
import { OwnedFd } from '../linux/fd.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import type { UnixSocketCalls } from '../linux/unix-socket-calls.ts';
import { AF_UNIX, SOCK_SEQPACKET, SO_ACCEPTCONN, SO_DOMAIN, SO_TYPE } from '../uapi/socket.ts';
import { BufferConnection } from './buffer-connection.ts';
import { shareSurroundings } from './share-surroundings.ts';
import type { ShareSurroundings } from './share-surroundings.ts';

/** Descriptors are C's `int`. */
const FD_MAX = 2 ** 31 - 1;

/**
 * A connection over a socket that this process already has: inherited, or received. Takes the descriptor over; refused, it stays as it is.
 *
 * @param fd an owned descriptor, or the number of an inherited one
 * @throws {TypeError | RangeError} for what is no descriptor
 * @throws {DmaBufError} `EBADF` for one that is not open; `EINVAL` for anything but a Unix socket of type SOCK_SEQPACKET; `ENOTCONN` for one without
 *   another end
 */
export function connectionFromFd(fd: OwnedFd | number): BufferConnection {
  return adoptConnection(shareSurroundings(), fd);
}

/** As {@link connectionFromFd}, in other surroundings. */
export function adoptConnection(surroundings: ShareSurroundings, fd: OwnedFd | number): BufferConnection {
  const number = fd instanceof OwnedFd ? fd.borrow() : checkInteger(fd, 'use the descriptor', { min: 0, max: FD_MAX });
  const { sockets } = surroundings;
  const borrowed = number as BorrowedFd;
  checkConnection(sockets, borrowed);
  return withCleanup((cleanup) => {
    const own = sockets.duplicate(borrowed);
    cleanup.defer(() => own.close());
    const connection = new BufferConnection(surroundings, own);
    if (fd instanceof OwnedFd) fd.close();
    else sockets.closeNumber(number);
    return connection;
  });
}

function checkConnection(sockets: UnixSocketCalls, fd: BorrowedFd): void {
  const domain = optionOf(sockets, fd, SO_DOMAIN);
  if (domain !== AF_UNIX) throw refusal(fd, `its address family is ${domain}`);
  const type = optionOf(sockets, fd, SO_TYPE);
  if (type !== SOCK_SEQPACKET) throw refusal(fd, `its type is ${type}`);
  if (optionOf(sockets, fd, SO_ACCEPTCONN) !== 0) throw refusal(fd, 'it listens');
  // What the kernel says of a peer that there is none of (net/core/sock.c, cred_to_ucred).
  if (sockets.peer(fd).uid !== UINT_MAX) return;
  throw new DmaBufError(`Cannot use descriptor ${fd} as a connection as it is connected to nobody`, {
    code: 'ENOTCONN',
  });
}

function optionOf(sockets: UnixSocketCalls, fd: BorrowedFd, name: number): number {
  try {
    return sockets.numberOption(fd, name);
  } catch (cause) {
    if (!isDmaBufError(cause, 'ENOTSOCK')) throw cause;
    throw refusal(fd, 'it is no socket', cause);
  }
}

function refusal(fd: BorrowedFd, why: string, cause?: unknown): DmaBufError {
  return new DmaBufError(
    `Cannot use descriptor ${fd} as a connection as ${why}: a connected Unix socket of type SOCK_SEQPACKET (5) is needed`,
    { code: 'EINVAL', syscall: 'getsockopt', cause },
  );
}
