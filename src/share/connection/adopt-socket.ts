import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { OwnedFd } from '../../linux/calls/fd.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import { borrowFd } from '../../linux/calls/given-fd.ts';
import type { UnixSocketCalls, UnixSocketType } from '../../linux/calls/unix-socket-calls.ts';
import { AF_UNIX, SOCK_SEQPACKET, SOCK_STREAM, SO_ACCEPTCONN, SO_DOMAIN, SO_TYPE } from '../../uapi/socket.ts';

/** The required kind of socket: a connection has another end, a listener accepts connections. */
type SocketUse = 'connection' | 'listener';

/** What `type` is called, and how systemd makes a listener of it (man 5 systemd.socket). */
const TYPES: Readonly<Record<UnixSocketType, { readonly name: string; readonly listen: string }>> = {
  [SOCK_SEQPACKET]: { name: 'SOCK_SEQPACKET (5)', listen: 'ListenSequentialPacket=' },
  [SOCK_STREAM]: { name: 'SOCK_STREAM (1)', listen: 'ListenStream=' },
};

function needed(use: SocketUse, type: UnixSocketType): string {
  const { name, listen } = TYPES[type];
  if (use === 'connection') return `a connected Unix socket of type ${name} is needed`;
  return `a listening Unix socket of type ${name} is needed, as ${listen} of systemd makes`;
}

/**
 * Takes over a socket that this process already has: `open` gets a duplicate, which children do not
 * inherit. The given descriptor is closed at the end, unless this throws.
 *
 * @param fd an owned descriptor, or the number of an inherited one
 * @throws {TypeError | RangeError} when it is not a descriptor
 * @throws {DmaBufError} `EBADF` when it is not open; `EINVAL` for a socket of another kind; the
 *   errors of `open`
 */
export function adoptSocket<Adopted>(
  sockets: UnixSocketCalls,
  { fd, use }: { fd: OwnedFd | number; use: SocketUse },
  open: (own: OwnedFd) => Adopted,
): Adopted {
  const number = borrowFd(fd, { action: `use the socket as a ${use}`, name: 'fd' });
  return withCleanup((cleanup) => {
    const own = sockets.duplicate(number);
    cleanup.defer(() => own.close());
    checkSocket(sockets, own.borrow(), { number, use });
    const adopted = open(own);
    if (typeof fd === 'number') sockets.closeNumber(fd);
    else OwnedFd.prototype.close.call(fd);
    return adopted;
  });
}

function checkSocket(
  sockets: UnixSocketCalls,
  fd: BorrowedFd,
  { number, use }: { number: number; use: SocketUse },
): void {
  const refuse = (why: string, cause?: unknown): DmaBufError =>
    new DmaBufError(`Cannot use descriptor ${number} as a ${use} as ${why}: ${needed(use, sockets.type)}`, {
      code: 'EINVAL',
      syscall: 'getsockopt',
      cause,
    });
  const optionOf = (name: number): number => {
    try {
      return sockets.numberOption(fd, name);
    } catch (cause) {
      throw isDmaBufError(cause, 'ENOTSOCK') ? refuse('it is no socket', cause) : cause;
    }
  };
  const domain = optionOf(SO_DOMAIN);
  if (domain !== AF_UNIX) throw refuse(`its address family is ${domain}`);
  const type = optionOf(SO_TYPE);
  if (type !== sockets.type) throw refuse(`its type is ${type}`);
  const listens = optionOf(SO_ACCEPTCONN) !== 0;
  if (listens !== (use === 'listener')) throw refuse(listens ? 'it listens' : 'it does not listen');
}
