import { inspect } from 'node:util';

import { throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { readWaitOptions } from '../../base/check.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import type { PeerCredentials, ReceivedPacket } from '../../linux/calls/unix-socket-calls.ts';
import { prepareMessage, readMessage } from './outgoing-message.ts';
import type { OutgoingMessage, PackedMessage } from './outgoing-message.ts';
import { openReceivedMessage } from './received-message.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { ShareContext } from './share-context.ts';
import { AsyncQueue } from './async-queue.ts';
import { explainSendRefusal } from './send-refusal.ts';
import { WaitableSocket } from './waitable-socket.ts';

/**
 * One end of a connection that carries buffers and small messages. Close it when done.
 *
 * A pending wait keeps the program alive. An open connection alone does not.
 */
export class BufferConnection implements AsyncIterable<ReceivedMessage, undefined> {
  /**
   * The process that connected or listened at the other end, as the kernel reports it (man 7 unix,
   * SO_PEERCRED). A socket that was passed on, or inherited, keeps naming its maker.
   */
  readonly peer: PeerCredentials;
  readonly #context: ShareContext;
  readonly #socket: WaitableSocket;
  readonly #sends = new AsyncQueue();
  readonly #receives = new AsyncQueue();

  /**
   * Takes ownership of the descriptor.
   *
   * @param isShared whether other processes may have this end as well
   * @internal
   */
  constructor(context: ShareContext, fd: OwnedFd, isShared = false) {
    this.peer = context.sockets.peer(fd.borrow());
    context.sockets.markPackets(fd.borrow());
    this.#context = context;
    this.#socket = new WaitableSocket(fd, {
      sockets: context.sockets,
      readiness: context.readiness,
      label: 'the connection',
      isShared,
    });
  }

  /** Whether a value is a connection, regardless of its class. @internal */
  static isConnection(value: unknown): value is BufferConnection {
    return typeof value === 'object' && value !== null && #socket in value;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#socket.closed;
  }

  /**
   * Whether the other end is closed, its process dead, or its sending ended. Messages that it sent
   * before can still be received.
   */
  get peerClosed(): boolean {
    return this.#context.sockets.hasHungUp(this.#socket.borrow());
  }

  /** Resolves when {@link peerClosed} is true, even with messages still to be received. */
  async whenPeerCloses(options: WaitOptions = {}): Promise<void> {
    const { signal } = readWaitOptions(options, 'wait for the other end');
    throwIfAborted(signal);
    while (!this.peerClosed) await this.#socket.wait('hangUp', signal);
  }

  /**
   * Sends a message, with buffers and sync files. Resolves when the kernel has taken it, after a
   * wait if the other end's queue is full. Messages are sent in the order of the calls. Their
   * contents may be closed and changed right after the call.
   *
   * @throws {TypeError | RangeError} for contents that cannot be sent
   * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`;
   *   `EPIPE` or `ECONNRESET` when the other end is gone; `ETOOMANYREFS` when too many descriptors
   *   are on their way; `ERR_DMABUF_CLOSED` when this end is
   * @throws the abort reason when aborted: nothing was sent then
   */
  async send(content: OutgoingMessage, options: WaitOptions = {}): Promise<void> {
    const { signal } = readWaitOptions(options, 'send the message');
    const contents = readMessage(content);
    throwIfAborted(signal);
    this.#socket.borrow();
    const message = prepareMessage(contents);
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
   * Sends a message if the other end has room for it now, and no other message waits. For wake-ups,
   * of which one is enough.
   *
   * @returns whether it was sent
   * @throws the errors of {@link send}
   */
  trySend(content: OutgoingMessage): boolean {
    const contents = readMessage(content);
    this.#socket.borrow();
    const message = prepareMessage(contents);
    try {
      return this.#sends.idle && this.#sendNow(message);
    } finally {
      message.close();
    }
  }

  /**
   * Receives the next message. Nothing is read before it is requested: unrequested messages wait in
   * the kernel, and their sender with them.
   *
   * An error costs only the refused message: everything that came with it is closed, and the next
   * one can be received.
   *
   * @returns undefined when the other end is gone, and everything that it sent was received
   * @throws {DmaBufError} `EPROTO`, `EMSGSIZE`, `EINVAL`, `EACCES`, `EBADF` for a message that is
   *   not of this package, or a descriptor that cannot become a buffer or sync file; `EMFILE` when
   *   there was no descriptor left for it; `ERR_DMABUF_CLOSED` when this end is closed
   * @throws the abort reason when aborted: nothing was received then
   */
  async receive(options: WaitOptions = {}): Promise<ReceivedMessage | undefined> {
    const { signal } = readWaitOptions(options, 'receive a message');
    return await this.#receives.take(async () => {
      for (;;) {
        const packet = this.#context.sockets.receive(this.#socket.borrow());
        if (packet !== undefined) return this.#open(packet);
        await this.#socket.wait('read', signal);
      }
    }, signal);
  }

  /**
   * Receives messages until the other end is gone. Leaving the loop closes the connection, with its
   * unreceived messages.
   */
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

  /**
   * Closes this end at once, without sending the waiting messages. The other end still receives
   * those already sent. Idempotent.
   */
  close(): void {
    this.#socket.close();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits until every waiting message was sent, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sends.settled();
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `BufferConnection { ${this.closed ? 'closed' : 'open'}, peer ${this.peer.pid} }`;
  }

  #sendNow({ bytes, fds }: PackedMessage): boolean {
    try {
      const numbers = fds.map((fd) => fd.borrow());
      return this.#context.sockets.send(this.#socket.borrow(), bytes, numbers);
    } catch (cause) {
      throw explainSendRefusal(cause, this.peer);
    }
  }

  #open(packet: ReceivedPacket): ReceivedMessage | undefined {
    if (packet.isEnd) return undefined;
    return openReceivedMessage(this.#context, packet, this.peer);
  }
}
