import { assert } from '../base/assert.ts';
import { roundUp } from '../base/quantities.ts';
import { cmsghdr, iovec, msghdr, SCM_RIGHTS, SOL_SOCKET } from '../uapi/socket.ts';
import { addressOf } from './libc.ts';

const FD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const WORD_BYTES = 8;

/** SCM_MAX_FD (include/net/scm.h): how many descriptors the kernel takes with one message. */
export const DESCRIPTOR_COUNT_MAX = 253;

const CONTROL_BYTES = cmsghdr.size + roundUp(DESCRIPTOR_COUNT_MAX * FD_BYTES, WORD_BYTES);

/**
 * The memory of one sendmsg or recvmsg: the message's bytes, the descriptors that go with it, and the structs that lead to both. Used
 * for one call after another. Shared memory, as that does not move: the structs hold addresses.
 */
export class UnixSocketPacket {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly #control: Uint8Array<SharedArrayBuffer>;
  readonly #vector: Uint8Array<SharedArrayBuffer>;
  readonly #addresses: { readonly bytes: number; readonly control: number; readonly vector: number };

  constructor(bytesMax: number) {
    const dataAt = roundUp(iovec.size + CONTROL_BYTES, WORD_BYTES);
    const memory = new SharedArrayBuffer(dataAt + bytesMax);
    this.#vector = new Uint8Array(memory, 0, iovec.size);
    this.#control = new Uint8Array(memory, iovec.size, CONTROL_BYTES);
    this.bytes = new Uint8Array(memory, dataAt, bytesMax);
    const address = addressOf(this.#vector);
    this.#addresses = { vector: address, control: address + iovec.size, bytes: address + dataAt };
  }

  /** `struct msghdr` for what is to be sent: the first `length` of {@link bytes}, and descriptors. */
  toSend(length: number, fds: readonly number[]): Uint8Array {
    assert(length <= this.bytes.length && fds.length <= DESCRIPTOR_COUNT_MAX, 'What is sent has room');
    if (fds.length === 0) return this.#header(length, 0);
    const controlLength = cmsghdr.size + fds.length * FD_BYTES;
    this.#control.set(cmsghdr.write({ cmsgLen: controlLength, cmsgLevel: SOL_SOCKET, cmsgType: SCM_RIGHTS }));
    this.#descriptors(0, fds.length).set(fds);
    return this.#header(length, controlLength);
  }

  /** `struct msghdr` with all the room there is. */
  toReceive(): Uint8Array {
    return this.#header(this.bytes.length, CONTROL_BYTES);
  }

  /** The descriptors that came, once the kernel has filled in `header`. They are open now, and belong to whoever asks. */
  received(header: Uint8Array): number[] {
    const { msgControllen } = msghdr.read(header);
    const fds: number[] = [];
    // Others come first where somebody has asked for them before the socket was handed to us (man 7 unix, SO_PASSCRED).
    for (let at = 0; at + cmsghdr.size <= msgControllen;) {
      const { cmsgLen, cmsgLevel, cmsgType } = cmsghdr.read(this.#control.subarray(at));
      assert(cmsgLen >= cmsghdr.size, 'A control message counts its own header');
      if (cmsgLevel === SOL_SOCKET && cmsgType === SCM_RIGHTS)
        fds.push(...this.#descriptors(at, (cmsgLen - cmsghdr.size) / FD_BYTES));
      at += roundUp(cmsgLen, WORD_BYTES);
    }
    return fds;
  }

  /** Behind the control message at `at`. */
  #descriptors(at: number, count: number): Int32Array {
    return new Int32Array(this.#control.buffer, this.#control.byteOffset + at + cmsghdr.size, count);
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
