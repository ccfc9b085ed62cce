import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { F_GETFL, F_SETFL, O_NONBLOCK } from '../../uapi/fcntl.ts';
import { POLLHUP, POLLRDHUP, pollfd } from '../../uapi/poll.ts';
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SHUT_RDWR,
  SHUT_WR,
  SOL_SOCKET,
  SO_PEERCRED,
  SO_TIMESTAMP,
  msghdr,
  ucred,
} from '../../uapi/socket.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { RawCalls } from './kernel-calls.ts';
import { unixSocketAddress } from './unix-socket-address.ts';
import { UnixSocketPacket } from './unix-socket-packet.ts';
import type { ReceivedDescriptors } from './unix-socket-packet.ts';

/**
 * Whether what is sent keeps its boundaries (SOCK_SEQPACKET), or is one stream of bytes
 * (SOCK_STREAM).
 */
export type UnixSocketType = typeof SOCK_SEQPACKET | typeof SOCK_STREAM;

/** The process at the other end, as the kernel reports it (man 7 unix, SO_PEERCRED). */
export interface PeerCredentials {
  /** Its process id, in this process's namespace. */
  readonly pid: number;
  /** Its user id. */
  readonly uid: number;
  /** Its group id. */
  readonly gid: number;
}

/** A received message. Its descriptors are open, and the receiver owns them. */
export interface ReceivedPacket {
  readonly bytes: Uint8Array;
  readonly fds: readonly OwnedFd[];
  /** The message was longer than the buffer: its end is lost. */
  readonly truncated: boolean;
  /** The kernel could not deliver all its descriptors: the missing ones are lost. */
  readonly descriptorsLost: boolean;
  /**
   * End of the connection: the other end sends no more, and everything that it sent was received.
   */
  readonly isEnd: boolean;
}

/** Unix sockets that carry messages and descriptors (man 7 unix, man 7 socket). */
export class UnixSocketCalls extends CheckedCalls {
  /** Of the sockets that are made and taken over. */
  readonly type: UnixSocketType;
  readonly #packetBytesMax: number;
  #packet: UnixSocketPacket | undefined;

  /** @param packetBytesMax how much one call sends and receives */
  constructor(packetBytesMax: number, raw?: RawCalls, type: UnixSocketType = SOCK_SEQPACKET) {
    super(raw);
    this.type = type;
    this.#packetBytesMax = packetBytesMax;
  }

  create(): OwnedFd {
    return this.own(this.checked('socket', this.raw.socket(AF_UNIX, this.#newType, 0)));
  }

  createPair(): [OwnedFd, OwnedFd] {
    const numbers = new Uint8Array(2 * Int32Array.BYTES_PER_ELEMENT);
    this.checked('socketpair', this.raw.socketpair(AF_UNIX, this.#newType, 0, numbers));
    const [first, second] = new Int32Array(numbers.buffer) as unknown as [number, number];
    return [this.own(first), this.own(second)];
  }

  bind(fd: BorrowedFd, address: string): void {
    const bytes = unixSocketAddress(address);
    this.checked('bind', this.raw.bind(fd, bytes, bytes.length), { address });
  }

  /**
   * Sets the file's mode for every process that holds the socket: blocking is a property of the
   * open file (man 2 fcntl, F_SETFL).
   */
  setNonBlocking(fd: BorrowedFd): void {
    const flags = this.checked('fcntl', this.raw.fcntl(fd, F_GETFL, 0), { fd });
    if ((flags & O_NONBLOCK) !== 0) return;
    this.checked('fcntl', this.raw.fcntl(fd, F_SETFL, flags | O_NONBLOCK), { fd });
  }

  listen(fd: BorrowedFd, backlog: number): void {
    this.checked('listen', this.raw.listen(fd, backlog));
  }

  /**
   * The next connection; undefined while there is none. One that was aborted before the accept does
   * not count.
   */
  accept(fd: BorrowedFd): OwnedFd | undefined {
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const accepted = this.#uninterrupted(() => this.raw.accept4(fd, null, null, flags), ['ECONNABORTED']);
    if (this.refusalOf(accepted) === 'EAGAIN') return undefined;
    return this.own(this.checked('accept4', accepted));
  }

  /**
   * False while the listener's queue is full. Only time helps then: there is no event to wait for
   * (man 2 connect, EAGAIN).
   */
  connect(fd: BorrowedFd, address: string): boolean {
    const bytes = unixSocketAddress(address);
    const result = this.#uninterrupted(() => this.raw.connect(fd, bytes, bytes.length));
    if (this.refusalOf(result) === 'EAGAIN') return false;
    this.checked('connect', result, { address });
    return true;
  }

  /** Sends one message. False while the other end's queue is full. */
  send(fd: BorrowedFd, bytes: Uint8Array, fds: readonly BorrowedFd[]): boolean {
    return this.sendSome(fd, bytes, fds) !== undefined;
  }

  /**
   * Sends the beginning of `bytes`, with all descriptors: a stream takes as much as it has room
   * for.
   *
   * @returns how many bytes; undefined while there is no room at all
   */
  sendSome(fd: BorrowedFd, bytes: Uint8Array, fds: readonly BorrowedFd[]): number | undefined {
    const packet = this.#openPacket();
    const length = this.type === SOCK_STREAM ? Math.min(bytes.length, packet.bytes.length) : bytes.length;
    packet.bytes.set(bytes.subarray(0, length));
    const header = packet.toSend(length, fds);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const result = this.#uninterrupted(() => this.raw.sendmsg(fd, header, flags));
    if (this.refusalOf(result) === 'EAGAIN') return undefined;
    return this.checked('sendmsg', result, { length, descriptorCount: fds.length });
  }

  /**
   * Receives one message; undefined while there is none. Of a stream: what has come, up to and
   * with the piece that the next descriptors came with (net/unix/af_unix.c,
   * unix_stream_read_generic).
   *
   * recvmsg returns 0 bytes for both an empty message and the end (man 2 recv). After
   * {@link markPackets} they differ.
   */
  receive(fd: BorrowedFd): ReceivedPacket | undefined {
    const packet = this.#openPacket();
    const header = packet.toReceive();
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    // ECONNRESET is reported once, when the other end was closed before it had read everything.
    // What it has sent itself is still there.
    const length = this.#uninterrupted(() => this.raw.recvmsg(fd, header, flags), ['ECONNRESET']);
    if (this.refusalOf(length) === 'EAGAIN') return undefined;
    this.checked('recvmsg', length);
    const { msgFlags, msgControllen } = msghdr.read(header);
    return {
      bytes: new Uint8Array(packet.bytes.subarray(0, length)),
      fds: this.#ownReceived(packet.received(msgControllen)),
      truncated: (msgFlags & MSG_TRUNC) !== 0,
      descriptorsLost: (msgFlags & MSG_CTRUNC) !== 0,
      isEnd: length === 0 && msgControllen === 0 && this.hasHungUp(fd),
    };
  }

  /**
   * The descriptors of the message. Those that the kernel added are closed: a socket's options may
   * ask for more than this package does.
   */
  #ownReceived({ descriptors, others }: ReceivedDescriptors): OwnedFd[] {
    const fds = descriptors.map((number) => this.own(number));
    const close = (fd: OwnedFd) => (): void => fd.close();
    return withCleanup((cleanup) => {
      for (const fd of fds) cleanup.defer(close(fd));
      const steps = others.map((number) => close(this.own(number)));
      runAllSteps(steps, 'Several descriptors that came beside a message could not be closed');
      return fds;
    });
  }

  /**
   * Makes the kernel attach a timestamp to every packet received, including those already queued.
   * An empty packet then has a control message, and the end has none (net/unix/af_unix.c,
   * __unix_dgram_recvmsg; since 2.6.38).
   *
   * Not SO_PASSCRED, which would mark packets too: it also binds the socket to a name when it sends
   * (man 7 unix, autobind).
   */
  markPackets(fd: BorrowedFd): void {
    const value = new Uint8Array(Int32Array.of(1).buffer);
    const result = this.raw.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, value, value.length);
    this.checked('setsockopt', result, { fd, name: SO_TIMESTAMP });
  }

  /** Whether the other end is gone. Messages that it sent before can still be received. */
  hasHungUp(fd: BorrowedFd): boolean {
    const argument = pollfd.write({ fd, events: POLLRDHUP });
    this.checked(
      'poll',
      this.#uninterrupted(() => this.raw.poll(argument, 1)),
      { fd },
    );
    return (pollfd.read(argument).revents & (POLLHUP | POLLRDHUP)) !== 0;
  }

  /**
   * Ends the connection for every holder of the socket: the other end sees the end, and a listener
   * accepts no more connections. Received messages can still be read (man 2 shutdown).
   */
  shutDown(fd: BorrowedFd): void {
    const result = this.raw.shutdown(fd, SHUT_RDWR);
    // The other end is gone already.
    if (this.refusalOf(result) !== 'ENOTCONN') this.checked('shutdown', result, { fd });
  }

  /**
   * Ends the sending half of a connection: the other end sees the end once it has received
   * everything (man 2 shutdown).
   */
  endSending(fd: BorrowedFd): void {
    const result = this.raw.shutdown(fd, SHUT_WR);
    if (this.refusalOf(result) !== 'ENOTCONN') this.checked('shutdown', result, { fd });
  }

  peer(fd: BorrowedFd): PeerCredentials {
    return ucred.read(this.#option(fd, SO_PEERCRED, ucred.size));
  }

  /** An option (`SO_*`) that is an `int`. */
  numberOption(fd: BorrowedFd, name: number): number {
    return new Int32Array(this.#option(fd, name, Int32Array.BYTES_PER_ELEMENT).buffer)[0] as number;
  }

  /** Closes a descriptor that this process has only by number: one that it inherited. */
  closeNumber(fd: number): void {
    this.own(fd).close();
  }

  #option(fd: BorrowedFd, name: number, length: number): Uint8Array<ArrayBuffer> {
    const value = new Uint8Array(length);
    const valueLength = new Uint8Array(Uint32Array.of(length).buffer);
    this.checked('getsockopt', this.raw.getsockopt(fd, SOL_SOCKET, name, value, valueLength), { fd, name });
    return value;
  }

  /** Repeats a call that a signal interrupted, or that failed with a transient error. */
  #uninterrupted(call: () => number, passing: readonly ErrnoName[] = []): number {
    for (;;) {
      const result = call();
      const code = this.refusalOf(result);
      if (code === undefined || (code !== 'EINTR' && !passing.includes(code))) return result;
    }
  }

  /** No call blocks. */
  get #newType(): number {
    return this.type | SOCK_NONBLOCK | SOCK_CLOEXEC;
  }

  #openPacket(): UnixSocketPacket {
    this.#packet ??= new UnixSocketPacket(this.#packetBytesMax);
    return this.#packet;
  }
}
