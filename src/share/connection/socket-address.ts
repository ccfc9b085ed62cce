import { outOfRange, wrongType, wrongValue } from '../../base/argument-error.ts';
import { show } from '../../base/show.ts';
import { checkUtf8Text } from '../../base/utf8-text.ts';
import { SOCKET_PATH_BYTES_MAX, isAbstractAddress } from '../../linux/calls/unix-socket-address.ts';

/**
 * A path to a socket file, or an abstract name, which begins with NUL (man 7 unix).
 *
 * @param action completes "Cannot …"
 */
export function checkSocketAddress(address: unknown, action: string): string {
  const argument = { action, name: 'path' };
  if (typeof address !== 'string') throw wrongType(argument, { must: 'be a string', received: address });
  const abstract = isAbstractAddress(address);
  if (address === '' || (!abstract && address.includes('\0')))
    throw wrongValue(argument, { must: 'not be empty, nor have NUL in it', received: address });
  checkUtf8Text(address, argument);
  const byteCount = Buffer.byteLength(address);
  const max = abstract ? SOCKET_PATH_BYTES_MAX + 1 : SOCKET_PATH_BYTES_MAX;
  if (byteCount <= max) return address;
  throw outOfRange(argument, {
    must: `have at most ${max} bytes`,
    received: address,
    shown: `${show(address)} of ${byteCount}`,
    remedy: 'use a shorter or relative one',
  });
}
