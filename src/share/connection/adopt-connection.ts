import { DmaBufError } from '../../base/errors.ts';
import { UINT_MAX } from '../../base/limits.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import type { UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import { adoptSocket } from './adopt-socket.ts';
import { BufferConnection } from './buffer-connection.ts';
import { ShareContext } from './share-context.ts';

/**
 * A connection over a socket that this process already has: inherited, or received. Takes ownership
 * of the descriptor, unless it throws.
 *
 * Other processes may hold the same socket, whose options apply to them as well. SO_TIMESTAMP is
 * switched on, which distinguishes an empty packet from the end. Other options stay as they are.
 * Descriptors that they add to a message are closed, unread.
 *
 * @param fd an owned descriptor, or the number of an inherited one
 * @throws {TypeError | RangeError} when it is not a descriptor
 * @throws {DmaBufError} `EBADF` when it is not open; `EINVAL` for a file other than a Unix socket
 *   of type SOCK_SEQPACKET; `ENOTCONN` for a socket without another end
 *
 * @example
 * ```ts
 * import { connectionFromFd } from 'dmabuf/share';
 *
 * try {
 *   connectionFromFd(0); // a socket that another program opened; standard input is none
 * } catch (error) {
 *   console.log(error instanceof Error); // true
 * }
 * ```
 */
export function connectionFromFd(fd: OwnedFd | number): BufferConnection {
  return adoptConnection(new ShareContext(), fd);
}

/** As {@link connectionFromFd}, in other context. */
export function adoptConnection(context: ShareContext, fd: OwnedFd | number): BufferConnection {
  return adoptConnected(context.sockets, fd, (own) => new BufferConnection(context, own, true));
}

/** As {@link adoptSocket}, of a socket with another end. */
export function adoptConnected<Adopted>(
  sockets: UnixSocketCalls,
  fd: OwnedFd | number,
  open: (own: OwnedFd) => Adopted,
): Adopted {
  return adoptSocket(sockets, { fd, use: 'connection' }, (own) => {
    // SO_PEERCRED of an unconnected socket reports uid -1 (net/core/sock.c, cred_to_ucred).
    if (sockets.peer(own.borrow()).uid !== UINT_MAX) return open(own);
    throw new DmaBufError('Cannot use the descriptor as a connection as its socket has no other end', {
      code: 'ENOTCONN',
      syscall: 'getsockopt',
    });
  });
}
