import type { OwnedFd } from '../../linux/calls/fd.ts';
import { adoptConnected } from '../connection/adopt-connection.ts';
import { ShareContext } from '../connection/share-context.ts';
import { DescriptorStream } from './descriptor-stream.ts';

/**
 * A stream over a socket that this process already has: inherited (`WAYLAND_SOCKET`), or received
 * (PipeWire's, from a portal). Takes ownership of the descriptor, unless it throws.
 *
 * @param fd an owned descriptor, or the number of an inherited one
 * @throws {TypeError | RangeError} when it is not a descriptor
 * @throws {DmaBufError} `EBADF` when it is not open; `EINVAL` for a file other than a Unix socket
 *   of type SOCK_STREAM; `ENOTCONN` for a socket without another end
 *
 * @example
 * ```ts
 * import { streamFromFd } from 'dmabuf/share';
 *
 * const inherited = process.env['WAYLAND_SOCKET']; // the number of a descriptor
 * if (inherited === undefined) console.log('no compositor'); // no compositor
 * else streamFromFd(Number(inherited)).destroy();
 * ```
 */
export function streamFromFd(fd: OwnedFd | number): DescriptorStream;
/** @internal */
export function streamFromFd(fd: OwnedFd | number, context: ShareContext): DescriptorStream;
export function streamFromFd(fd: OwnedFd | number, hidden?: unknown): DescriptorStream {
  const context = ShareContext.hiddenIn(hidden);
  return adoptConnected(context.streams, fd, (own) => new DescriptorStream(context, own, true));
}
