import { setTimeout } from 'node:timers/promises';

import { checkOptions } from '../base/check.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { OwnedFd } from '../linux/fd.ts';
import type { UnixSocketCalls } from '../linux/unix-socket-calls.ts';
import { BufferConnection } from './buffer-connection.ts';
import type { ShareWaitOptions } from './buffer-connection.ts';
import { shareSurroundings } from './share-surroundings.ts';
import type { ShareSurroundings } from './share-surroundings.ts';
import { checkSocketAddress } from './socket-address.ts';

/** Between two tries while the listener has no room: the kernel offers nothing to wait for. Doubled each time. */
const DELAY_FIRST_MS = 1;
const DELAY_MAX_MS = 64;

/**
 * Connects to a process that waits at `path`. While more connections wait there than the listener has room for, waits for room.
 *
 * @param path as the listener has it; an abstract name begins with NUL
 * @throws {TypeError | RangeError} for a path that is none
 * @throws {DmaBufError} `ECONNREFUSED` or `ENOENT` when nobody listens there; `EACCES` when the file's mode does not allow it; `EPROTOTYPE` when
 *   what listens there is no listener for messages
 * @throws the abort reason when given up
 */
export async function connectForBuffers(path: string, options: ShareWaitOptions = {}): Promise<BufferConnection> {
  return await connectForBuffersWithin(shareSurroundings(), path, options);
}

/** As {@link connectForBuffers}, in other surroundings. @internal */
export async function connectForBuffersWithin(
  surroundings: ShareSurroundings,
  path: string,
  options: ShareWaitOptions = {},
): Promise<BufferConnection> {
  checkSocketAddress(path, 'connect');
  checkOptions(options, 'connect', ['signal']);
  options.signal?.throwIfAborted();
  const fd = surroundings.sockets.create();
  try {
    await connectWithPatience(surroundings.sockets, fd, path, options);
    return new BufferConnection(surroundings, fd);
  } catch (error) {
    fd.close();
    throw error;
  }
}

async function connectWithPatience(
  sockets: UnixSocketCalls,
  fd: OwnedFd,
  path: string,
  { signal }: ShareWaitOptions,
): Promise<void> {
  let delayMs = DELAY_FIRST_MS;
  while (!connectNow(sockets, fd, path)) {
    // Rejects with an error of its own when aborted: the reason is thrown instead.
    await setTimeout(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    signal?.throwIfAborted();
    delayMs = Math.min(delayMs * 2, DELAY_MAX_MS);
  }
}

function connectNow(sockets: UnixSocketCalls, fd: OwnedFd, path: string): boolean {
  try {
    return sockets.connect(fd.borrow(), path);
  } catch (cause) {
    const why = isDmaBufError(cause) ? REMEDIES[cause.code] : undefined;
    if (!isDmaBufError(cause) || why === undefined) throw cause;
    const { code, values } = cause;
    throw new DmaBufError(`Cannot connect to ${path} as ${why}`, { code, syscall: 'connect', values, cause });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there any more: start the process that does',
  ENOENT: 'there is no such file: start the process that listens there, or look at the path',
  EACCES: "its mode does not let this user: listen with another { mode }, or run as the listener's user",
  EPROTOTYPE: 'its socket is of another type than SOCK_SEQPACKET: it is no listener for buffers',
};
