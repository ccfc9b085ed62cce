import { inspect } from 'node:util';

import { onAbort } from '../base/abort.ts';
import { checkInteger, checkOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { OwnedFd } from '../linux/fd.ts';
import { isAbstractAddress } from '../linux/unix-socket-address.ts';
import { BufferConnection } from './buffer-connection.ts';
import type { ShareWaitOptions } from './buffer-connection.ts';
import { shareSurroundings } from './share-surroundings.ts';
import type { ShareSurroundings } from './share-surroundings.ts';
import { checkSocketAddress } from './socket-address.ts';
import { bindSocketFile } from './socket-file.ts';
import type { SocketFile } from './socket-file.ts';
import { Turns } from './turns.ts';
import { WaitableSocket } from './waitable-socket.ts';

/** Options of {@link listenForBuffers}. */
export interface ListenOptions {
  /** How many connections wait to be accepted; more have to wait before. Default: 64. The kernel's own limit is `net.core.somaxconn`. */
  readonly backlog?: number | undefined;
  /** Who may connect: whoever may write the socket file. Default: 0o600, processes of the same user. */
  readonly mode?: number | undefined;
  /** Closes the listener. */
  readonly signal?: AbortSignal | undefined;
}

const BACKLOG_DEFAULT = 64;
const BACKLOG_MAX = 65_535;
const MODE_DEFAULT = 0o600;
const MODE_MAX = 0o777;
/** What an abstract name has in place of a file. */
const NO_FILE: SocketFile = { remove: () => {} };

/**
 * Waits for processes that connect. Close it when done. Something that is waited for keeps the program alive; a listener alone does not.
 */
export class BufferListener implements AsyncIterable<BufferConnection, undefined> {
  /** As it was given. */
  readonly path: string;
  readonly #surroundings: ShareSurroundings;
  readonly #socket: WaitableSocket;
  readonly #file: SocketFile;
  readonly #accepts = new Turns();
  readonly #stopListeningToSignal: () => void;

  /** Takes the descriptor over. @internal */
  constructor(
    surroundings: ShareSurroundings,
    bound: { path: string; fd: OwnedFd; file: SocketFile },
    signal: AbortSignal | undefined,
  ) {
    this.path = bound.path;
    this.#surroundings = surroundings;
    this.#socket = new WaitableSocket(bound.fd, surroundings.readiness, 'the listener');
    this.#file = bound.file;
    this.#stopListeningToSignal = onAbort(signal, () => this.close());
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  /**
   * The next process that connects.
   *
   * @throws {DmaBufError} `EMFILE` when there is no descriptor left for it: it goes on waiting; `ERR_DMABUF_CLOSED` once the listener is closed
   * @throws the abort reason when given up
   */
  async accept(options: ShareWaitOptions = {}): Promise<BufferConnection> {
    checkOptions(options, 'accept a connection', ['signal']);
    const { signal } = options;
    return await this.#accepts.take(async () => {
      for (;;) {
        const fd = this.#surroundings.sockets.accept(this.#socket.borrow());
        if (fd !== undefined) return openConnection(this.#surroundings, fd);
        await this.#socket.wait('read', signal);
      }
    }, signal);
  }

  /** Accepts one connection after another, until the listener is closed. Leaving the loop closes it, not the connections. */
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

  /** Removes the socket file, and refuses whoever has not been accepted. Connections go on. Again: does nothing. */
  close(): void {
    if (this.closed) return;
    this.#stopListeningToSignal();
    // The file first: nobody finds one that leads nowhere.
    runAllSteps([() => this.#file.remove(), () => this.#socket.close()], 'The listener could not be closed');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#accepts.settled();
  }

  [inspect.custom](): string {
    return `BufferListener { ${inspect(this.path)}, ${this.closed ? 'closed' : 'open'} }`;
  }
}

/**
 * Waits at a path for processes that {@link connectForBuffers} connects. A socket file that a dead process left there is replaced.
 *
 * @param path of the socket file, at most 107 bytes; or an abstract name, which begins with NUL and to which everybody of the network
 *   namespace may connect (man 7 unix)
 * @throws {TypeError | RangeError} for a path or an option that is none
 * @throws {DmaBufError} `EADDRINUSE` when somebody listens there; `EACCES` or `ENOENT` when no file can be made there
 */
export async function listenForBuffers(path: string, options: ListenOptions = {}): Promise<BufferListener> {
  return await Promise.resolve(listenForBuffersWithin(shareSurroundings(), path, options));
}

/** As {@link listenForBuffers}, in other surroundings. @internal */
export function listenForBuffersWithin(
  surroundings: ShareSurroundings,
  path: string,
  options: ListenOptions = {},
): BufferListener {
  checkSocketAddress(path, 'listen');
  checkOptions(options, 'listen', ['backlog', 'mode', 'signal']);
  const { signal } = options;
  const backlog = checkInteger(options.backlog ?? BACKLOG_DEFAULT, 'listen with a backlog', {
    min: 1,
    max: BACKLOG_MAX,
  });
  const mode = checkInteger(options.mode ?? MODE_DEFAULT, 'listen with a mode', { min: 0, max: MODE_MAX });
  if (isAbstractAddress(path) && options.mode !== undefined)
    throw new TypeError('Cannot listen with a mode as an abstract name has no file that could have one: leave it out');
  signal?.throwIfAborted();
  const { sockets } = surroundings;
  return withCleanup((cleanup) => {
    const fd = sockets.create();
    cleanup.defer(() => fd.close());
    const file = isAbstractAddress(path)
      ? bindName(surroundings, fd, path)
      : bindSocketFile(sockets, fd.borrow(), { path, mode });
    cleanup.defer(() => file.remove());
    sockets.listen(fd.borrow(), backlog);
    return new BufferListener(surroundings, { path, fd, file }, signal);
  });
}

function bindName({ sockets }: ShareSurroundings, fd: OwnedFd, name: string): SocketFile {
  sockets.bind(fd.borrow(), name);
  return NO_FILE;
}

function openConnection(surroundings: ShareSurroundings, fd: OwnedFd): BufferConnection {
  return withCleanup((cleanup) => {
    cleanup.defer(() => fd.close());
    return new BufferConnection(surroundings, fd);
  });
}
