/**
 * What stands in front of every message: how many descriptors go with it, and what each is said to be. The same structs are in
 * bench/peer/dmabuf-share.h, for programs in C.
 *
 * In the machine's own byte order: both ends are on one machine.
 */

import { BUFFER_NAME_BYTES_MAX } from '../base/limits.ts';
import { DmaBufError } from '../base/errors.ts';
import { KiB } from '../base/sizes.ts';
import { DESCRIPTOR_COUNT_MAX } from '../linux/unix-socket-packet.ts';
import { defineStruct } from '../uapi/struct.ts';
import type { StructSchema } from '../uapi/struct.ts';

/** "DBUF", read as bytes on a little-endian machine. */
export const SHARE_MAGIC = 0x4655_4244;
export const SHARE_VERSION = 1;

/**
 * In bytes. What is larger belongs into a buffer: the kernel copies messages, and by default keeps no more than 208 KiB of them unread
 * (man 7 socket, wmem_default).
 */
export const MESSAGE_BYTES_MAX: number = 64 * KiB;

/** `struct dmabuf_share_header`. */
export const shareHeader: StructSchema<'magic' | 'version' | 'descriptorCount' | 'messageBytes' | 'reserved'> =
  defineStruct({ magic: 'u32', version: 'u16', descriptorCount: 'u16', messageBytes: 'u32', reserved: 'u32' });

/** `struct dmabuf_share_descriptor`: one for each descriptor, in their order, behind the header. The message follows. */
export const shareDescriptor: StructSchema<'kind' | 'reserved' | 'length', 'name'> = defineStruct({
  kind: 'u32',
  reserved: 'u32',
  length: 'u64',
  name: 'char[32]',
});

/** What a descriptor is, with its number in a message. */
const KIND_NUMBERS = { 'dma-buf': 1, memfd: 2, 'sync-file': 3 } as const;
const KIND_BY_NUMBER: ReadonlyMap<number, DescriptorKind> = new Map(
  Object.entries(KIND_NUMBERS).map(([kind, number]) => [number, kind as DescriptorKind]),
);

/** What a descriptor can be. */
export type DescriptorKind = keyof typeof KIND_NUMBERS;

/** What a sender says of a descriptor. To be compared with the descriptor itself. */
export interface DescribedDescriptor {
  readonly kind: DescriptorKind;
  /** Of a buffer, in bytes; of a sync file 0. */
  readonly length: number;
  /** Of a buffer: at most 31 bytes. */
  readonly name: string;
}

/** A message without its descriptors. */
interface MessageContent {
  readonly descriptors: readonly DescribedDescriptor[];
  readonly message: Uint8Array;
}

/** The largest message there is, in bytes. */
export const PACKET_BYTES_MAX: number =
  shareHeader.size + DESCRIPTOR_COUNT_MAX * shareDescriptor.size + MESSAGE_BYTES_MAX;

/** The bytes that go over the socket. */
export function encodeMessage({ descriptors, message }: MessageContent): Uint8Array {
  const messageAt = shareHeader.size + descriptors.length * shareDescriptor.size;
  const bytes = new Uint8Array(messageAt + message.length);
  const counts = { descriptorCount: descriptors.length, messageBytes: message.length };
  bytes.set(shareHeader.write({ magic: SHARE_MAGIC, version: SHARE_VERSION, ...counts }));
  for (const [index, { kind, length, name }] of descriptors.entries()) {
    const descriptor = shareDescriptor.write({ kind: KIND_NUMBERS[kind], length, name });
    bytes.set(descriptor, shareHeader.size + index * shareDescriptor.size);
  }
  bytes.set(message, messageAt);
  return bytes;
}

/**
 * Takes apart what came over a socket. Nothing of it is believed but what is about itself.
 *
 * @throws {DmaBufError} `EPROTO` for anything but one whole message of this version, `EMSGSIZE` for one too long
 */
export function decodeMessage(bytes: Uint8Array): MessageContent {
  const { descriptorCount, messageBytes } = decodeHeader(bytes);
  const messageAt = shareHeader.size + descriptorCount * shareDescriptor.size;
  if (bytes.length !== messageAt + messageBytes) {
    throw refusal(
      `it has ${bytes.length} bytes where its header, ${descriptorCount} descriptors and ${messageBytes} bytes of message take ${messageAt + messageBytes}`,
    );
  }
  const descriptors = Array.from({ length: descriptorCount }, (_, index) =>
    decodeDescriptor(bytes.subarray(shareHeader.size + index * shareDescriptor.size), index),
  );
  return { descriptors, message: bytes.subarray(messageAt) };
}

function decodeHeader(bytes: Uint8Array): { descriptorCount: number; messageBytes: number } {
  if (bytes.length < shareHeader.size) throw refusal(`it has ${bytes.length} bytes, less than a header's`);
  const { magic, version, descriptorCount, messageBytes, reserved } = shareHeader.read(bytes);
  if (magic !== SHARE_MAGIC) throw refusal(`it begins with 0x${magic.toString(16)}, which is no message of ours`);
  if (version !== SHARE_VERSION)
    throw refusal(`it is of version ${version}, and version ${SHARE_VERSION} is understood`);
  if (reserved !== 0) throw refusal('what is reserved in its header is not zero');
  if (messageBytes > MESSAGE_BYTES_MAX)
    throw refusal(`its ${messageBytes} bytes are more than ${MESSAGE_BYTES_MAX}`, 'EMSGSIZE');
  return { descriptorCount, messageBytes };
}

function decodeDescriptor(bytes: Uint8Array, index: number): DescribedDescriptor {
  const { kind, length, name, reserved } = shareDescriptor.read(bytes);
  const known = KIND_BY_NUMBER.get(kind);
  if (known === undefined) throw refusal(`its descriptor ${index} is of the unknown kind ${kind}`);
  if (reserved !== 0) throw refusal(`what is reserved of its descriptor ${index} is not zero`);
  if (Buffer.byteLength(name) > BUFFER_NAME_BYTES_MAX) throw refusal(`the name of its descriptor ${index} is too long`);
  return { kind: known, length, name };
}

function refusal(reason: string, code: 'EPROTO' | 'EMSGSIZE' = 'EPROTO'): DmaBufError {
  return new DmaBufError(`Cannot receive the message as ${reason}`, { code, syscall: 'recvmsg' });
}
