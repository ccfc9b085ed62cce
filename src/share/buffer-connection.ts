import { inspect } from 'node:util';

import { checkOptions } from '../base/check.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { OwnedFd } from '../linux/fd.ts';
import type { PeerCredentials, ReceivedPacket } from '../linux/unix-socket-calls.ts';
import { prepareMessage } from './outgoing-message.ts';
import type { MessageToSend, OutgoingMessage } from './outgoing-message.ts';
import { openReceivedMessage } from './received-message.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { ShareSurroundings } from './share-surroundings.ts';
import { Turns } from './turns.ts';
import { WaitableSocket } from './waitable-socket.ts';

/** How long to wait. */
export interface ShareWaitOptions {
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One end of a connection over which buffers travel, with small messages. Close it when done.
 *
 * Something that is waited for keeps the program alive; an open connection alone does not.
 */
export class BufferConnection implements AsyncIterable<ReceivedMessage, undefined> {
  /**
   * Who holds the other end, as the kernel says: who connected or listened (man 7 unix, SO_PEERCRED). A socket that was passed on, or inherited,
   * goes on naming who made it.
   */
  readonly peer: PeerCredentials;
  readonly #surroundings: ShareSurroundings;
  readonly #socket: WaitableSocket;
  readonly #sends = new Turns();
  readonly #receives = new Turns();

  /** Takes the descriptor over. @internal */
  constructor(surroundings: ShareSurroundings, fd: OwnedFd) {
    this.peer = surroundings.sockets.peer(fd.borrow());
    this.#surroundings = surroundings;
    this.#socket = new WaitableSocket(fd, surroundings.readiness, 'the connection');
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#socket.closed;
  }

  /** Whether the other end is closed, its process dead, or sends no more. What it sent before can still be received. */
  get peerClosed(): boolean {
    return this.#surroundings.sockets.hasHungUp(this.#socket.borrow());
  }

  /** Resolves when {@link peerClosed} is true, however much is still to be received. */
  async whenPeerCloses(options: ShareWaitOptions = {}): Promise<void> {
    checkOptions(options, 'wait for the other end', ['signal']);
    while (!this.peerClosed) await this.#socket.wait('hangUp', options.signal);
  }

  /**
   * Sends a message, with buffers and sync files. Resolves when the kernel has taken it: until the other end has room for it, it waits.
   * Messages are sent in the order of the calls. What they are made of may be closed and changed right after the call.
   *
   * @throws {TypeError | RangeError} for what cannot be sent
   * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`; `EPIPE` or `ECONNRESET` when the other end
   *   is gone; `ETOOMANYREFS` when too many descriptors are on their way; `ERR_DMABUF_CLOSED` when this end is
   * @throws the abort reason when given up: then nothing was sent
   */
  async send(content: MessageToSend, options: ShareWaitOptions = {}): Promise<void> {
    checkOptions(options, 'send the message', ['signal']);
    const { signal } = options;
    signal?.throwIfAborted();
    this.#socket.borrow();
    const message = prepareMessage(content);
    try {
      if (this.#sends.idle && this.#sendNow(message)) return;
      await this.#sends.take(async () => {
        while (!this.#sendNow(message)) await this.#socket.wait('write', signal);
      }, signal);
    } finally {
      message.close();
    }
  }

  /**
   * Sends a message if the other end has room for it now, and none is waiting to be sent. For wake-ups, of which one is enough.
   *
   * @returns whether it was sent
   * @throws what {@link send} throws
   */
  trySend(content: MessageToSend): boolean {
    this.#socket.borrow();
    const message = prepareMessage(content);
    try {
      return this.#sends.idle && this.#sendNow(message);
    } finally {
      message.close();
    }
  }

  /**
   * Receives the next message. Nothing is read before it is asked for: what nobody asks for waits in the kernel, and its sender with it.
   *
   * A message that is refused costs that message alone: everything that came with it is closed, and the next can be received.
   *
   * @returns undefined when the other end is gone, and all it sent received
   * @throws {DmaBufError} `EPROTO`, `EMSGSIZE`, `EINVAL`, `EACCES`, `EBADF` when what came is no message of ours, or something came that no buffer or sync
   *   file can be made of; `EMFILE` when there was no descriptor left for it; `ERR_DMABUF_CLOSED` when this end is closed
   * @throws the abort reason when given up: then nothing was received
   */
  async receive(options: ShareWaitOptions = {}): Promise<ReceivedMessage | undefined> {
    checkOptions(options, 'receive a message', ['signal']);
    const { signal } = options;
    return await this.#receives.take(async () => {
      for (;;) {
        const packet = this.#takePacket();
        if (packet !== undefined) return this.#open(packet);
        await this.#socket.wait('read', signal);
      }
    }, signal);
  }

  /** Receives message by message, until the other end is gone. Leaving the loop closes the connection, with what was not received. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage, undefined> {
    return {
      next: async () => {
        const value = this.closed ? undefined : await this.receive();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: async () => {
        this.close();
        return await Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Closes this end, at once: what waits to be sent is not. The other end still receives what was sent. Again: does nothing. */
  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits until everything was sent that waits to be, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sends.settled();
    this.close();
  }

  [inspect.custom](): string {
    return `BufferConnection { ${this.closed ? 'closed' : 'open'}, peer ${this.peer.pid} }`;
  }

  #sendNow({ bytes, fds }: OutgoingMessage): boolean {
    try {
      const numbers = fds.map((fd) => fd.borrow());
      return this.#surroundings.sockets.send(this.#socket.borrow(), bytes, numbers);
    } catch (cause) {
      throw explained(cause, this.peer);
    }
  }

  #takePacket(): ReceivedPacket | undefined {
    const { sockets } = this.#surroundings;
    try {
      return sockets.receive(this.#socket.borrow());
    } catch (error) {
      if (!isDmaBufError(error, 'ECONNRESET')) throw error;
      // Told once when the other end was closed before it had read everything: what it sent itself is still there.
      return sockets.receive(this.#socket.borrow());
    }
  }

  #open(packet: ReceivedPacket): ReceivedMessage | undefined {
    if (packet.bytes.length === 0 && packet.fds.length === 0 && this.peerClosed) return undefined;
    return openReceivedMessage(this.#surroundings, packet, this.peer);
  }
}

const SEND_REMEDIES: Readonly<Record<string, (peer: PeerCredentials) => string>> = {
  EPIPE: ({ pid }) => `the other end (process ${pid}) is gone`,
  ECONNRESET: ({ pid }) => `the other end (process ${pid}) is gone, and did not receive all that was sent before`,
  ETOOMANYREFS: () =>
    'more descriptors are on their way than this user may have open: wait until the receiver takes some, or raise the limit with "ulimit -n"',
};

function explained(cause: unknown, peer: PeerCredentials): unknown {
  if (!isDmaBufError(cause) || cause.syscall !== 'sendmsg') return cause;
  const why = SEND_REMEDIES[cause.code]?.(peer);
  if (why === undefined) return cause;
  const { code, syscall, values } = cause;
  return new DmaBufError(`Cannot send the message as ${why}`, { code, syscall, values, cause });
}
