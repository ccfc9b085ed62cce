import { AF_UNIX } from '../../uapi/socket.ts';
import { UNIX_PATH_MAX } from '../../uapi/un.ts';

const FAMILY_BYTES = 2;

/** The longest path that can be connected to, in bytes without its closing NUL (man 7 unix). */
export const SOCKET_PATH_BYTES_MAX: number = UNIX_PATH_MAX - 1;

/**
 * Whether the address is abstract, not a file: a name in the network namespace that begins with NUL
 * and vanishes with its socket (man 7 unix).
 */
export function isAbstractAddress(address: string): boolean {
  return address.startsWith('\0');
}

/**
 * `struct sockaddr_un`: a file's path with a closing NUL, or an abstract name, which extends to the
 * end of the address.
 */
export function unixSocketAddress(address: string): Uint8Array {
  const text = new TextEncoder().encode(isAbstractAddress(address) ? address : `${address}\0`);
  const bytes = new Uint8Array(FAMILY_BYTES + text.length);
  // sa_family_t, in the machine's byte order.
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_UNIX;
  bytes.set(text, FAMILY_BYTES);
  return bytes;
}
