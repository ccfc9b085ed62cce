import { assert } from '../../base/assert.ts';
import { roundUp } from '../../base/quantities.ts';
import { KiB } from '../../base/sizes.ts';
import { cmsghdr, iovec, msghdr, SCM_PIDFD, SCM_RIGHTS, SOL_SOCKET } from '../../uapi/socket.ts';
import { addressOf } from './kernel-calls.ts';

const FD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const WORD_BYTES = 8;

/** SCM_MAX_FD (include/net/scm.h): the most descriptors that the kernel takes with one message. */
export const DESCRIPTOR_COUNT_MAX = 253;

const RIGHTS_BYTES = cmsghdr.size + roundUp(DESCRIPTOR_COUNT_MAX * FD_BYTES, WORD_BYTES);
/**
 * Room for everything else that the kernel may attach to a message: timestamps, credentials, a
 * pidfd, the sender's security context (of any length that its policy has), and additions of later
 * kernels. Descriptors come last, and are lost without room for them.
 */
const OTHER_CONTROL_BYTES = 16 * KiB;
const CONTROL_BYTES = RIGHTS_BYTES + OTHER_CONTROL_BYTES;

/** Descriptors that came with a message. They are open, and this process owns them. */
export interface ReceivedDescriptors {
  /** Those that the sender attached, in its order. */
  readonly descriptors: number[];
  /** Those that the kernel made because a socket option asked for them: pidfds. */
  readonly others: number[];
}

/**
 * The memory of one sendmsg or recvmsg: the message's bytes, its descriptors, and the structs that
 * point to both. Reused for every call. Shared memory, because that does not move: the structs hold
 * addresses.
 */
export class UnixSocketPacket {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Control messages, one behind the other (man 3 cmsg). */
  readonly control: Uint8Array<SharedArrayBuffer>;
  readonly #vector: Uint8Array<SharedArrayBuffer>;
  readonly #addresses: { readonly bytes: number; readonly control: number; readonly vector: number };

  constructor(bytesMax: number) {
    const dataAt = roundUp(iovec.size + CONTROL_BYTES, WORD_BYTES);
    const memory = new SharedArrayBuffer(dataAt + bytesMax);
    this.#vector = new Uint8Array(memory, 0, iovec.size);
    this.control = new Uint8Array(memory, iovec.size, CONTROL_BYTES);
    this.bytes = new Uint8Array(memory, dataAt, bytesMax);
    const address = addressOf(this.#vector);
    this.#addresses = { vector: address, control: address + iovec.size, bytes: address + dataAt };
  }

  /** `struct msghdr` for sending: the first `length` of {@link bytes}, and descriptors. */
  toSend(length: number, fds: readonly number[]): Uint8Array {
    assert(length <= this.bytes.length && fds.length <= DESCRIPTOR_COUNT_MAX, 'What is sent has room');
    if (fds.length === 0) return this.#header(length, 0);
    const controlLength = cmsghdr.size + fds.length * FD_BYTES;
    this.control.set(cmsghdr.write({ cmsgLen: controlLength, cmsgLevel: SOL_SOCKET, cmsgType: SCM_RIGHTS }));
    this.#numbers(cmsghdr.size, fds.length).set(fds);
    return this.#header(length, controlLength);
  }

  /** `struct msghdr` for receiving, with the whole buffer. */
  toReceive(): Uint8Array {
    return this.#header(this.bytes.length, CONTROL_BYTES);
  }

  /**
   * The descriptors in the first `controlLength` bytes of {@link control}, which the kernel has
   * filled in.
   */
  received(controlLength: number): ReceivedDescriptors {
    const received: ReceivedDescriptors = { descriptors: [], others: [] };
    const end = Math.min(controlLength, CONTROL_BYTES);
    for (let at = 0; at + cmsghdr.size <= end;) {
      const { cmsgLen, cmsgLevel, cmsgType } = cmsghdr.read(this.control.subarray(at));
      // As CMSG_NXTHDR does: a length shorter than the header ends the list.
      if (cmsgLen < cmsghdr.size) break;
      const dataEnd = Math.min(at + cmsgLen, end);
      if (cmsgLevel === SOL_SOCKET) this.#read(received, cmsgType, { from: at + cmsghdr.size, to: dataEnd });
      at += roundUp(cmsgLen, WORD_BYTES);
    }
    return received;
  }

  #read(received: ReceivedDescriptors, type: number, { from, to }: { from: number; to: number }): void {
    if (type !== SCM_RIGHTS && type !== SCM_PIDFD) return;
    const numbers = this.#numbers(from, Math.floor((to - from) / FD_BYTES));
    if (type === SCM_RIGHTS) received.descriptors.push(...numbers);
    // A negative value is the reason why the kernel could not make one (net/core/scm.c,
    // scm_pidfd_recv).
    else received.others.push(...numbers.filter((number) => number >= 0));
  }

  #numbers(at: number, count: number): Int32Array {
    return new Int32Array(this.control.buffer, this.control.byteOffset + at, count);
  }

  #header(length: number, controlLength: number): Uint8Array {
    const { bytes, control, vector } = this.#addresses;
    this.#vector.set(iovec.write({ iovBase: bytes, iovLen: length }));
    return msghdr.write({
      msgIov: vector,
      msgIovlen: 1,
      msgControl: controlLength === 0 ? 0 : control,
      msgControllen: controlLength,
    });
  }
}
