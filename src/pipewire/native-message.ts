/** Messages of PipeWire's native protocol: a header of 16 bytes, then one value. */

import { MiB } from '../base/sizes.ts';
import { protocolError } from './protocol-error.ts';

/** A message that came, whole. */
export interface NativeMessage {
  /** Of the object that it is from. */
  readonly object: number;
  readonly opcode: number;
  readonly fdCount: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 16;
const OPCODE_SHIFT = 24;
const SIZE_MASK = 0xff_ffff;
/** The header has room for 16 MiB. What comes for one stream has some KiB. */
const PAYLOAD_BYTES_MAX = MiB;
/** As many as a packet has (SCM_MAX_FD of the kernel). */
const FD_COUNT_MAX = 253;

export function writeMessage(object: number, opcode: number, { payload, sequence }: Outgoing): Buffer {
  const header = Uint32Array.of(object, (opcode << OPCODE_SHIFT) | payload.length, sequence, 0);
  return Buffer.concat([Buffer.from(header.buffer), payload]);
}

interface Outgoing {
  readonly payload: Buffer;
  /** The number of this message. */
  readonly sequence: number;
}

/** Cuts a stream of bytes into messages. */
export class NativeMessageReader {
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * The messages that are complete with these bytes.
   *
   * @throws {DmaBufError} `EPROTO` for one that is too long, or has too many descriptors
   */
  *read(bytes: Uint8Array): Generator<NativeMessage, void, undefined> {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let next = this.#take(); next !== undefined; next = this.#take()) yield next;
  }

  #take(): NativeMessage | undefined {
    if (this.#bytes.length < HEADER_BYTES) return undefined;
    const [object, word, fdCount] = [0, 4, 12].map((at) => this.#bytes.readUInt32LE(at)) as [number, number, number];
    const size = word & SIZE_MASK;
    if (size > PAYLOAD_BYTES_MAX || fdCount > FD_COUNT_MAX)
      throw protocolError(`it announces ${size} bytes and ${fdCount} descriptors in one message`);
    const end = HEADER_BYTES + size;
    if (this.#bytes.length < end) return undefined;
    const payload = this.#bytes.subarray(HEADER_BYTES, end);
    this.#bytes = this.#bytes.subarray(end);
    return { object, opcode: word >>> OPCODE_SHIFT, fdCount, payload };
  }
}
