import { onAbort, throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { readWaitOptions } from '../../base/check.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import type { UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import { BufferConnection } from './buffer-connection.ts';
import { ShareContext } from './share-context.ts';
import { checkSocketAddress } from './socket-address.ts';

/**
 * The delay between two attempts while the listener's queue is full: the kernel has no event to
 * wait for. Doubled each time.
 */
const DELAY_FIRST_MS = 1;
const DELAY_MAX_MS = 64;

/**
 * Connects to a process that listens at `path`. Waits while the listener's queue is full.
 *
 * @param path the listener's; an abstract name begins with NUL
 * @throws {TypeError | RangeError} for an invalid path
 * @throws {DmaBufError} `ECONNREFUSED` or `ENOENT` when no process listens there; `EACCES` when the
 *   file's mode does not allow it; `EPROTOTYPE` when the socket there is not a listener for
 *   messages
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { KiB, openHeap } from 'dmabuf';
 * import { connect, listen } from 'dmabuf/share';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'frames-'));
 * const listener = await listen(join(folder, 'socket'));
 * const near = await connect(join(folder, 'socket')); // in another process, as a rule
 * const far = await listener.accept();
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(64 * KiB, { shareable: true });
 * await near.send({ message: 'a frame', buffers: [buffer] });
 * const received = await far.receive();
 * console.log(received?.text, received?.buffers.length); // a frame 1
 * received?.close();
 * for (const each of [near, far, listener, buffer, heap]) each.close();
 * rmSync(folder, { recursive: true });
 * ```
 */
export async function connect(path: string, options?: WaitOptions): Promise<BufferConnection>;
/** @internal */
export async function connect(path: string, options: WaitOptions, context: ShareContext): Promise<BufferConnection>;
export async function connect(path: string, options: WaitOptions = {}, hidden?: unknown): Promise<BufferConnection> {
  const context = ShareContext.hiddenIn(hidden);
  const action = 'connect';
  checkSocketAddress(path, action);
  const { signal } = readWaitOptions(options, action);
  throwIfAborted(signal);
  const fd = context.sockets.create();
  try {
    await connectWithPatience(context.sockets, fd, path, signal);
    return new BufferConnection(context, fd);
  } catch (error) {
    fd.close();
    throw error;
  }
}

async function connectWithPatience(
  sockets: UnixSocketCalls,
  fd: OwnedFd,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let delayMs = DELAY_FIRST_MS;
  while (!connectNow(sockets, fd, path)) {
    await pause(delayMs, signal);
    delayMs = Math.min(delayMs * 2, DELAY_MAX_MS);
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
    const why = isDmaBufError(cause) ? REMEDIES[cause.code] : undefined;
    if (!isDmaBufError(cause) || why === undefined) throw cause;
    const { code, values } = cause;
    throw new DmaBufError(`Cannot connect to ${path} as ${why}`, { code, syscall: 'connect', values, cause });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no process listens there any more: start the one that does',
  ENOENT: 'there is no such file: start the process that listens there, or look at the path',
  EACCES: "its mode does not let this user: listen with another { mode }, or run as the listener's user",
  EPROTOTYPE: 'its socket is of another type than SOCK_SEQPACKET: it is no listener for buffers',
};
