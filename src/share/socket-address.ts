import { inspect } from 'node:util';

import { SOCKET_PATH_BYTES_MAX, isAbstractAddress } from '../linux/unix-socket-address.ts';

/** A path to a socket file, or an abstract name, which begins with NUL (man 7 unix). `what` completes "Cannot …". */
export function checkSocketAddress(address: unknown, what: string): string {
  if (typeof address !== 'string' || address === '')
    throw new TypeError(
      `Cannot ${what} as its path must be a string that is not empty: current value is ${inspect(address)}`,
    );
  const abstract = isAbstractAddress(address);
  if (!abstract && address.includes('\0'))
    throw new TypeError(`Cannot ${what} as its path must not contain NUL: current value is ${inspect(address)}`);
  const byteCount = Buffer.byteLength(address);
  const max = abstract ? SOCKET_PATH_BYTES_MAX + 1 : SOCKET_PATH_BYTES_MAX;
  if (byteCount <= max) return address;
  throw new RangeError(
    `Cannot ${what} as its path must have at most ${max} bytes: current value is ${inspect(address)} of ${byteCount}; use a shorter or relative one`,
  );
}
