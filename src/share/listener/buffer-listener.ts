import { inspect } from 'node:util';

import { onAbort, throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { contradiction } from '../../base/argument-error.ts';
import { checkInteger, readOptions, readWaitOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { isAbstractAddress } from '../../linux/calls/unix-socket-address.ts';
import { adoptSocket } from '../connection/adopt-socket.ts';
import { BufferConnection } from '../connection/buffer-connection.ts';
import { ShareContext } from '../connection/share-context.ts';
import { checkSocketAddress } from '../connection/socket-address.ts';
import { AcceptingSocket, listenAt } from './accepting-socket.ts';

/** A socket that already listens: a supervisor has made it, and passed it on. */
export interface ListeningSocket {
  /** The number of an inherited descriptor, or an owned one. The listener takes ownership. */
  readonly fd: OwnedFd | number;
  /** The supervisor's name for it: ignored. */
  readonly name?: string;
}

/** Options of {@link listen}. */
export interface ListenOptions {
  /**
   * How many connections may wait to be accepted. Further ones wait before they connect. Default:
   * 64. The kernel's own limit is `net.core.somaxconn`.
   */
  readonly backlog?: number | undefined;
  /**
   * The mode of the socket file: write permission allows a process to connect. Default: 0o600,
   * processes of the same user.
   */
  readonly mode?: number | undefined;
  /** Closes the listener. */
  readonly signal?: AbortSignal | undefined;
}

const BACKLOG_DEFAULT = 64;
const BACKLOG_MAX = 65_535;
const MODE_DEFAULT = 0o600;
const MODE_MAX = 0o777;
const LISTEN = 'listen';
/**
 * Waits for processes that connect. Close it when done. A pending wait keeps the program alive. A
 * listener alone does not.
 */
export class BufferListener implements AsyncIterable<BufferConnection, undefined> {
  /** The given path; undefined for a socket that already listened. */
  readonly path: string | undefined;
  readonly #context: ShareContext;
  readonly #socket: AcceptingSocket;
  readonly #stopListeningToSignal: () => void;

  /** Takes ownership of the socket. @internal */
  constructor(
    context: ShareContext,
    { path, socket }: { path: string | undefined; socket: AcceptingSocket },
    signal: AbortSignal | undefined,
  ) {
    this.path = path;
    this.#context = context;
    this.#socket = socket;
    this.#stopListeningToSignal = onAbort(signal, () => this.#closeUnheard());
  }

  /** Whether a value is a listener, regardless of its class. @internal */
  static isListener(value: unknown): value is BufferListener {
    return typeof value === 'object' && value !== null && #socket in value;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#socket.closed;
  }

  /**
   * How many connections were ended at once, because this process had no descriptor left for them.
   */
  get refusedCount(): number {
    return this.#socket.refusedCount;
  }

  /**
   * The next process that connects. While this process may open no more descriptors, new
   * connections are ended, and counted in `refusedCount`. While the machine is short of memory,
   * they wait.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once the listener is closed
   * @throws the abort reason when aborted
   */
  async accept(options: WaitOptions = {}): Promise<BufferConnection> {
    const { signal } = readWaitOptions(options, 'accept a connection');
    return openConnection(this.#context, await this.#socket.accept(signal));
  }

  /**
   * Accepts connections until the listener is closed. Leaving the loop closes it, not the
   * connections.
   */
  [Symbol.asyncIterator](): AsyncIterator<BufferConnection, undefined> {
    return {
      next: async () => {
        try {
          return { done: false, value: await this.accept() };
        } catch (error) {
          if (this.closed && isDmaBufError(error, 'ERR_DMABUF_CLOSED')) return { done: true, value: undefined };
          throw error;
        }
      },
      return: async () => {
        this.close();
        return await Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /**
   * Removes the socket file, and refuses connections that are not accepted yet. Accepted ones stay
   * open. Idempotent.
   */
  close(): void {
    if (this.closed) return;
    this.#stopListeningToSignal();
    this.#socket.close();
  }

  /**
   * For the abort of a signal, where an error would end the process because there is no caller. A
   * socket file that could not be removed is replaced by the next process that listens there.
   */
  #closeUnheard(): void {
    try {
      this.close();
    } catch {
      // The socket is closed all the same.
    }
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** For `await using`: closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#socket.settled();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const place = this.path === undefined ? 'handed over' : inspect(this.path);
    return `BufferListener { ${place}, ${this.closed ? 'closed' : 'open'} }`;
  }
}

/**
 * Listens at a path for processes that {@link connect}. Replaces a socket file that a dead process
 * left there. If several processes try at once, exactly one listens.
 *
 * Also takes over a socket that already listens, `{ fd }`, as a supervisor passes it (man 3
 * sd_listen_fds). On an error, the caller keeps the descriptor. The socket becomes non-blocking,
 * for every process that holds it. Its file is not removed at the end.
 *
 * @param where the path of the socket file, at most 107 bytes; or an abstract name, which begins
 *   with NUL and to which every process of the network namespace may connect (man 7 unix); or a
 *   socket that listens
 * @throws {TypeError | RangeError} for an invalid path or option
 * @throws {DmaBufError} `EADDRINUSE` when a process listens there, or is about to; `EACCES` when
 *   another user's socket file is there, and this user may not check whether a process listens;
 *   `EACCES`, `ENOENT`, `EROFS` or `ENOLCK` when no file can be made there. For a socket: `EBADF`,
 *   or `EINVAL` unless it is a listening Unix socket of type SOCK_SEQPACKET
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
export async function listen(where: string | ListeningSocket, options?: ListenOptions): Promise<BufferListener>;
/** @internal */
export async function listen(
  where: string | ListeningSocket,
  options: ListenOptions,
  context: ShareContext,
): Promise<BufferListener>;
export async function listen(
  where: string | ListeningSocket,
  options: ListenOptions = {},
  hidden?: unknown,
): Promise<BufferListener> {
  const context = ShareContext.hiddenIn(hidden);
  return await Promise.resolve(listenNow(context, where, options));
}

/** As {@link listen}, synchronously. @internal */
export function listenNow(
  context: ShareContext,
  where: string | ListeningSocket,
  options: ListenOptions = {},
): BufferListener {
  const plain = readOptions(options, LISTEN, ['backlog', 'mode', 'signal']);
  if (typeof where === 'object' && where !== null) {
    const { fd } = readOptions(where, LISTEN, ['fd', 'name'], 'where');
    return listenOn(context, fd, plain);
  }
  const path = checkSocketAddress(where, LISTEN);
  const { signal, backlog = BACKLOG_DEFAULT, mode = MODE_DEFAULT } = plain;
  checkInteger(backlog, { action: LISTEN, name: 'backlog', min: 1, max: BACKLOG_MAX });
  checkInteger(mode, { action: LISTEN, name: 'mode', min: 0, max: MODE_MAX });
  if (isAbstractAddress(path) && plain.mode !== undefined)
    throw contradiction({ action: LISTEN, name: 'mode' }, 'path', 'contradict: an abstract name has no file');
  throwIfAborted(signal);
  return new BufferListener(context, { path, socket: listenAt(context, { path, mode, backlog }) }, signal);
}

function listenOn(
  context: ShareContext,
  fd: OwnedFd | number,
  { backlog, mode, signal }: ListenOptions,
): BufferListener {
  for (const [name, value] of Object.entries({ backlog, mode }))
    if (value !== undefined)
      throw contradiction({ action: LISTEN, name }, 'fd', 'contradict: the socket listens already');
  throwIfAborted(signal);
  return adoptSocket(context.sockets, { fd, use: 'listener' }, (own) => {
    context.sockets.setNonBlocking(own.borrow());
    return new BufferListener(context, { path: undefined, socket: new AcceptingSocket(context, own) }, signal);
  });
}

function openConnection(context: ShareContext, fd: OwnedFd): BufferConnection {
  return withCleanup((cleanup) => {
    cleanup.defer(() => fd.close());
    return new BufferConnection(context, fd);
  });
}
