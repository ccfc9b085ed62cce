import type { ErrnoName } from '../base/errors.ts';
import { POLLHUP, POLLRDHUP, pollfd } from '../uapi/poll.ts';
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
  SOL_SOCKET,
  SO_PEERCRED,
  msghdr,
  ucred,
} from '../uapi/socket.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { RawCalls } from './libc.ts';
import { unixSocketAddress } from './unix-socket-address.ts';
import { UnixSocketPacket } from './unix-socket-packet.ts';

/** Messages keep their boundaries, and nothing here blocks. */
const TYPE = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

/** The process at the other end, as the kernel vouches for it (man 7 unix, SO_PEERCRED). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** One message as it came. Its descriptors are open, and the receiver's. */
export interface ReceivedPacket {
  readonly bytes: Uint8Array;
  readonly fds: readonly OwnedFd[];
  /** It was longer than there was room for: its end is lost. */
  readonly truncated: boolean;
  /** The kernel could not give us all its descriptors: those that are missing are lost. */
  readonly descriptorsLost: boolean;
}

/** Unix sockets that carry messages and descriptors (man 7 unix, man 7 socket). */
export class UnixSocketCalls extends CheckedCalls {
  readonly #packetBytesMax: number;
  #packet: UnixSocketPacket | undefined;

  constructor(packetBytesMax: number, raw?: RawCalls) {
    super(raw);
    this.#packetBytesMax = packetBytesMax;
  }

  create(): OwnedFd {
    return this.own(this.checked('socket', this.raw.socket(AF_UNIX, TYPE, 0)));
  }

  createPair(): [OwnedFd, OwnedFd] {
    const numbers = new Uint8Array(2 * Int32Array.BYTES_PER_ELEMENT);
    this.checked('socketpair', this.raw.socketpair(AF_UNIX, TYPE, 0, numbers));
    const [first, second] = new Int32Array(numbers.buffer) as unknown as [number, number];
    return [this.own(first), this.own(second)];
  }

  bind(fd: BorrowedFd, address: string): void {
    const bytes = unixSocketAddress(address);
    this.checked('bind', this.raw.bind(fd, bytes, bytes.length), { address });
  }

  listen(fd: BorrowedFd, backlog: number): void {
    this.checked('listen', this.raw.listen(fd, backlog));
  }

  /** The next connection; undefined while there is none. One that was given up before we came does not count. */
  accept(fd: BorrowedFd): OwnedFd | undefined {
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const accepted = this.#uninterrupted(() => this.raw.accept4(fd, null, null, flags), ['ECONNABORTED']);
    if (accepted === -1 && this.errno() === 'EAGAIN') return undefined;
    return this.own(this.checked('accept4', accepted));
  }

  /** False while the listener has no room for one more: there is nothing to wait for then but time (man 2 connect, EAGAIN). */
  connect(fd: BorrowedFd, address: string): boolean {
    const bytes = unixSocketAddress(address);
    const result = this.#uninterrupted(() => this.raw.connect(fd, bytes, bytes.length));
    if (result === -1 && this.errno() === 'EAGAIN') return false;
    this.checked('connect', result, { address });
    return true;
  }

  /** Sends one message. False while the other end has no room for it. */
  send(fd: BorrowedFd, bytes: Uint8Array, fds: readonly BorrowedFd[]): boolean {
    const packet = this.#openPacket();
    packet.bytes.set(bytes);
    const header = packet.toSend(bytes.length, fds);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const result = this.#uninterrupted(() => this.raw.sendmsg(fd, header, flags));
    if (result === -1 && this.errno() === 'EAGAIN') return false;
    this.checked('sendmsg', result, { length: bytes.length, descriptorCount: fds.length });
    return true;
  }

  /** Receives one message; undefined while there is none. One without bytes and descriptors: the other end is gone, or sent just that. */
  receive(fd: BorrowedFd): ReceivedPacket | undefined {
    const packet = this.#openPacket();
    const header = packet.toReceive();
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    const length = this.#uninterrupted(() => this.raw.recvmsg(fd, header, flags));
    if (length === -1 && this.errno() === 'EAGAIN') return undefined;
    this.checked('recvmsg', length);
    const fds = packet.received(header).map((number) => this.own(number));
    const { msgFlags } = msghdr.read(header);
    return {
      bytes: Uint8Array.from(packet.bytes.subarray(0, length)),
      fds,
      truncated: (msgFlags & MSG_TRUNC) !== 0,
      descriptorsLost: (msgFlags & MSG_CTRUNC) !== 0,
    };
  }

  /** Whether the other end is gone. What it sent before can still be received. */
  hasHungUp(fd: BorrowedFd): boolean {
    const argument = pollfd.write({ fd, events: POLLRDHUP });
    this.checked(
      'poll',
      this.#uninterrupted(() => this.raw.poll(argument, 1, 0)),
      { fd },
    );
    return (pollfd.read(argument).revents & (POLLHUP | POLLRDHUP)) !== 0;
  }

  peer(fd: BorrowedFd): PeerCredentials {
    return ucred.read(this.#option(fd, SO_PEERCRED, ucred.size));
  }

  /** An option (`SO_*`) that is an `int`. */
  numberOption(fd: BorrowedFd, name: number): number {
    return new Int32Array(this.#option(fd, name, Int32Array.BYTES_PER_ELEMENT).buffer)[0] as number;
  }

  /** Closes a descriptor that this process has by its number alone: one that it inherited. */
  closeNumber(fd: number): void {
    this.own(fd).close();
  }

  #option(fd: BorrowedFd, name: number, length: number): Uint8Array<ArrayBuffer> {
    const value = new Uint8Array(length);
    const valueLength = new Uint8Array(Uint32Array.of(length).buffer);
    this.checked('getsockopt', this.raw.getsockopt(fd, SOL_SOCKET, name, value, valueLength), { fd, name });
    return value;
  }

  /** Calls again what a signal interrupted, or what failed with an error that passes. */
  #uninterrupted(call: () => number, passing: readonly ErrnoName[] = []): number {
    for (;;) {
      const result = call();
      if (result !== -1) return result;
      const code = this.errno();
      if (code !== 'EINTR' && !passing.includes(code)) return result;
    }
  }

  #openPacket(): UnixSocketPacket {
    this.#packet ??= new UnixSocketPacket(this.#packetBytesMax);
    return this.#packet;
  }
}
