import { withCleanup, runAllSteps } from '../../base/cleanup.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import { isAbstractAddress } from '../../linux/calls/unix-socket-address.ts';
import type { UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import { AsyncQueue } from '../connection/async-queue.ts';
import type { ShareContext } from '../connection/share-context.ts';
import { SHORTAGE_RETRY_MS } from '../connection/shortage.ts';
import { WaitableSocket } from '../connection/waitable-socket.ts';
import { ConnectionQueue } from './connection-queue.ts';
import { listenAtSocketFile } from './socket-file.ts';
import type { SocketFile } from './socket-file.ts';

/** What a listening socket is made with: packets or streams, by its calls. */
interface AcceptingContext extends Pick<ShareContext, 'readiness' | 'locks'> {
  readonly sockets: UnixSocketCalls;
}

/** Where to listen. */
interface ListeningPlace {
  /** An abstract name begins with NUL. */
  readonly path: string;
  readonly mode: number;
  readonly backlog: number;
}

/** Replaces a file of our own: for an abstract name, and for a supervisor's file. */
const NO_FILE: SocketFile = { remove: () => {} };

/** A socket that listens, and takes the processes that connect one after the other. */
export class AcceptingSocket {
  readonly #socket: WaitableSocket;
  readonly #file: SocketFile;
  readonly #queue: ConnectionQueue;
  readonly #accepts = new AsyncQueue();

  /**
   * Takes ownership of the descriptor.
   *
   * @param file undefined for a socket that already listened, which others may have as well
   */
  constructor({ sockets, readiness }: AcceptingContext, fd: OwnedFd, file?: SocketFile) {
    this.#socket = new WaitableSocket(fd, { sockets, readiness, label: 'the listener', isShared: file === undefined });
    this.#file = file ?? NO_FILE;
    this.#queue = new ConnectionQueue(sockets);
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  /** How many connections were ended for lack of a descriptor. */
  get refusedCount(): number {
    return this.#queue.refusedCount;
  }

  /**
   * The next process that connects, waited for in the order of the calls.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once closed
   * @throws the abort reason when aborted
   */
  async accept(signal: AbortSignal | undefined): Promise<OwnedFd> {
    return await this.#accepts.take(async () => {
      for (;;) {
        const taken = this.#queue.take(this.#socket.borrow());
        if (typeof taken === 'object') return taken;
        if (taken === 'none') await this.#socket.wait('read', signal);
        else await this.#socket.pause(taken === 'refused' ? 0 : SHORTAGE_RETRY_MS, signal);
      }
    }, signal);
  }

  /** Removes the socket file, and refuses who is not accepted yet. Idempotent. */
  close(): void {
    if (this.closed) return;
    // The file first, so that no process finds a file without a listener.
    const endWaiting = (fd: BorrowedFd): void => this.#queue.endAll(fd);
    const steps = [() => this.#file.remove(), () => this.#socket.close(endWaiting), () => this.#queue.close()];
    runAllSteps(steps, 'The listener could not be closed');
  }

  /** Resolves once no accept is under way. */
  async settled(): Promise<void> {
    await this.#accepts.settled();
  }
}

/**
 * Listens at a path or an abstract name.
 *
 * @throws {DmaBufError} as `listen()` refuses a path
 */
export function listenAt(context: AcceptingContext, place: ListeningPlace): AcceptingSocket {
  return withCleanup((cleanup) => {
    const fd = context.sockets.create();
    cleanup.defer(() => fd.close());
    const file = isAbstractAddress(place.path)
      ? listenAtName(context.sockets, fd, place)
      : listenAtSocketFile(context, fd.borrow(), place);
    cleanup.defer(() => file.remove());
    return new AcceptingSocket(context, fd, file);
  });
}

function listenAtName(sockets: UnixSocketCalls, fd: OwnedFd, { path, backlog }: ListeningPlace): SocketFile {
  sockets.bind(fd.borrow(), path);
  sockets.listen(fd.borrow(), backlog);
  return NO_FILE;
}
