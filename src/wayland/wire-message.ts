/**
 * Messages as they go over a Wayland socket (The Wayland Protocol, chapter 4, "Wire Format"): an
 * object, the message's length and opcode, and arguments in words of the machine's byte order.
 */

import { assert } from '../base/assert.ts';
import { roundUp } from '../base/quantities.ts';
import { defineStruct } from '../uapi/struct.ts';
import type { StructSchema } from '../uapi/struct.ts';
import { compositorError } from './compositor-error.ts';

export const messageHeader: StructSchema<'object' | 'opcode' | 'bytes'> = defineStruct({
  object: 'u32',
  opcode: 'u16',
  bytes: 'u16',
});

const WORD_BYTES = 4;
const MESSAGE_BYTES_MAX = 0xfffc;
/** A number with 8 bits behind the point. */
const FIXED_ONE = 256;

/** What an argument is on the wire: a number, text, bytes, or nothing for a descriptor. */
export type WireValue = number | string | Uint8Array | undefined;

/** The bytes of a message. Descriptors go beside them. */
export function encodeMessage(
  target: { readonly object: number; readonly opcode: number },
  kinds: readonly string[],
  values: readonly WireValue[],
): Uint8Array {
  const words = kinds.map((kind, index) => encodeArgument(kind, values[index]));
  const bytes = messageHeader.size + words.reduce((sum, each) => sum + each.length, 0);
  assert(bytes <= MESSAGE_BYTES_MAX, 'A request fits into a message');
  return Buffer.concat([messageHeader.write({ ...target, bytes }), ...words]);
}

function encodeArgument(kind: string, value: WireValue): Uint8Array {
  switch (kind) {
    case 'fd':
      return new Uint8Array(0);
    case 'string':
    case 'string?':
      return value === undefined ? word(0) : counted(Buffer.from(`${String(value)}\0`));
    case 'array':
      return counted(value as Uint8Array);
    case 'fixed':
      return word(Math.round((value as number) * FIXED_ONE));
    default:
      return word((value as number | undefined) ?? 0);
  }
}

function word(value: number): Uint8Array {
  const bytes = Buffer.alloc(WORD_BYTES);
  bytes.writeInt32LE(value | 0);
  return bytes;
}

function counted(content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(WORD_BYTES + roundUp(content.length, WORD_BYTES));
  bytes.writeUInt32LE(content.length);
  bytes.set(content, WORD_BYTES);
  return bytes;
}

/**
 * The arguments of an event. Descriptors are left out: they come beside.
 *
 * @throws {DmaBufError} `EPROTO` where they do not fit the event
 */
export function decodeArguments(kinds: readonly string[], payload: Uint8Array): WireValue[] {
  const reader = new ArgumentReader(payload);
  const values = kinds.map((kind) => reader.read(kind));
  reader.finish();
  return values;
}

class ArgumentReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(payload: Uint8Array) {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  }

  read(kind: string): WireValue {
    switch (kind) {
      case 'fd':
        return undefined;
      case 'int':
        return this.#bytes.readInt32LE(this.#take(WORD_BYTES));
      case 'fixed':
        return this.#bytes.readInt32LE(this.#take(WORD_BYTES)) / FIXED_ONE;
      case 'string':
      case 'string?':
        return this.#readString();
      case 'array':
        return this.#readCounted();
      default:
        return this.#bytes.readUInt32LE(this.#take(WORD_BYTES));
    }
  }

  finish(): void {
    if (this.#at !== this.#bytes.length)
      throw compositorError(`${this.#bytes.length - this.#at} bytes follow an event`);
  }

  #readString(): string | undefined {
    const bytes = this.#readCounted();
    if (bytes.length === 0) return undefined;
    if (bytes.at(-1) !== 0) throw compositorError('a text does not end with NUL');
    return Buffer.from(bytes.subarray(0, -1)).toString();
  }

  #readCounted(): Uint8Array {
    const length = this.#bytes.readUInt32LE(this.#take(WORD_BYTES));
    const at = this.#take(roundUp(length, WORD_BYTES));
    return this.#bytes.subarray(at, at + length);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw compositorError('an event is cut');
    this.#at += length;
    return at;
  }
}
