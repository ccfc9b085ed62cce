import { onAbort } from '../../base/abort.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorCode } from '../../base/errors.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import type { UnixSocketCalls, UnixSocketType } from '../../linux/calls/unix-socket-calls.ts';
import { SOCK_SEQPACKET, SOCK_STREAM } from '../../uapi/socket.ts';

/**
 * The delay between two attempts while the listener's queue is full: the kernel has no event to
 * wait for. Doubled each time.
 */
const DELAY_FIRST_MS = 1;
const DELAY_MAX_MS = 64;

/**
 * A socket that is connected to who listens at `path`. Waits while the listener's queue is full.
 *
 * @throws {DmaBufError} as the kernel refuses, with the remedy
 * @throws the abort reason when `signal` aborts
 */
export async function connectSocket(
  sockets: UnixSocketCalls,
  path: string,
  signal: AbortSignal | undefined,
): Promise<OwnedFd> {
  const fd = sockets.create();
  try {
    let delayMs = DELAY_FIRST_MS;
    while (!connectNow(sockets, fd, path)) {
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, DELAY_MAX_MS);
    }
    return fd;
  } catch (error) {
    fd.close();
    throw error;
  }
}

/** @throws the abort reason when `signal` aborts meanwhile */
async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  let stopListening = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(resolve, delayMs);
      stopListening = onAbort(signal, reject);
    });
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}

function connectNow(sockets: UnixSocketCalls, fd: OwnedFd, path: string): boolean {
  try {
    return sockets.connect(fd.borrow(), path);
  } catch (cause) {
    const why = isDmaBufError(cause) ? remedyOf(cause.code, sockets.type) : undefined;
    if (!isDmaBufError(cause) || why === undefined) throw cause;
    const { code, values } = cause;
    throw new DmaBufError(`Cannot connect to ${path} as ${why}`, { code, syscall: 'connect', values, cause });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no process listens there any more: start the one that does',
  ENOENT: 'there is no such file: start the process that listens there, or look at the path',
  EACCES: "its mode does not let this user: listen with another { mode }, or run as the listener's user",
};

/** EPROTOTYPE: the listener has the other type. */
const OTHER_TYPES: Readonly<Record<UnixSocketType, string>> = {
  [SOCK_SEQPACKET]: 'its socket is of another type than SOCK_SEQPACKET: it is no listener for buffers',
  [SOCK_STREAM]: 'its socket is of another type than SOCK_STREAM: it takes packets, and no stream of bytes',
};

function remedyOf(code: DmaBufErrorCode, type: UnixSocketType): string | undefined {
  return code === 'EPROTOTYPE' ? OTHER_TYPES[type] : REMEDIES[code];
}
