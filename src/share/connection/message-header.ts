/**
 * The start of every message: the number of its descriptors, and the announced kind of each.
 * bench/peer/dmabuf-share.h has the same structs, for C programs.
 *
 * In the machine's byte order: both ends are on the same machine.
 */

import { BUFFER_NAME_BYTES_MAX } from '../../base/limits.ts';
import { KiB } from '../../base/sizes.ts';
import { DESCRIPTOR_COUNT_MAX } from '../../linux/calls/unix-socket-packet.ts';
import { defineStruct } from '../../uapi/struct.ts';
import type { StructSchema } from '../../uapi/struct.ts';
import { FRAME_RECORD_BYTES, decodeFrameRecord, encodeFrameRecord } from './frame-record.ts';
import type { FrameRecord } from './frame-record.ts';
import { refusal } from './message-refusal.ts';

/** "DBUF", read as bytes on a little-endian machine. */
export const SHARE_MAGIC = 0x4655_4244;
export const SHARE_VERSION = 1;

/**
 * In bytes. Put larger data into a buffer: the kernel copies messages, and by default keeps no more
 * than 208 KiB of them unread (man 7 socket, wmem_default).
 */
export const MESSAGE_BYTES_MAX: number = 64 * KiB;

/** `struct dmabuf_share_header`. */
export const shareHeader: StructSchema<'magic' | 'version' | 'descriptorCount' | 'messageBytes' | 'frameCount'> =
  defineStruct({ magic: 'u32', version: 'u16', descriptorCount: 'u16', messageBytes: 'u32', frameCount: 'u32' });

/**
 * `struct dmabuf_share_descriptor`: one per descriptor, in their order, after the header. A frame
 * may follow, and then the message.
 */
export const shareDescriptor: StructSchema<'kind' | 'reserved' | 'length', 'name'> = defineStruct({
  kind: 'u32',
  reserved: 'u32',
  length: 'u64',
  name: 'char[32]',
});

/** The kinds of descriptors, with their numbers in a message. */
const KIND_NUMBERS = { 'dma-buf': 1, memfd: 2, 'sync-file': 3 } as const;
const KIND_BY_NUMBER: ReadonlyMap<number, DescriptorKind> = new Map(
  Object.entries(KIND_NUMBERS).map(([kind, number]) => [number, kind as DescriptorKind]),
);

/** What a descriptor can be. */
export type DescriptorKind = keyof typeof KIND_NUMBERS;

/** The sender's announcement of a descriptor, to be compared with the descriptor itself. */
export interface DescribedDescriptor {
  readonly kind: DescriptorKind;
  /** The length of a buffer, in bytes; 0 for a sync file. */
  readonly length: number;
  /** The name of a buffer: at most 31 bytes. */
  readonly name: string;
}

/** A message without its descriptors. */
interface MessageContent {
  readonly descriptors: readonly DescribedDescriptor[];
  /** The picture in its buffers, if any. */
  readonly frame?: FrameRecord | undefined;
  readonly message: Uint8Array;
}

/** The largest possible message, in bytes. */
export const PACKET_BYTES_MAX: number =
  shareHeader.size + DESCRIPTOR_COUNT_MAX * shareDescriptor.size + FRAME_RECORD_BYTES + MESSAGE_BYTES_MAX;

/** The offsets of the parts of a message. */
function placesOf(descriptorCount: number, frameCount: number): { frameAt: number; messageAt: number } {
  const frameAt = shareHeader.size + descriptorCount * shareDescriptor.size;
  return { frameAt, messageAt: frameAt + frameCount * FRAME_RECORD_BYTES };
}

/** The bytes that go over the socket. */
export function encodeMessage({ descriptors, frame, message }: MessageContent): Uint8Array {
  const frameCount = frame === undefined ? 0 : 1;
  const { frameAt, messageAt } = placesOf(descriptors.length, frameCount);
  const bytes = new Uint8Array(messageAt + message.length);
  const counts = { descriptorCount: descriptors.length, messageBytes: message.length, frameCount };
  bytes.set(shareHeader.write({ magic: SHARE_MAGIC, version: SHARE_VERSION, ...counts }));
  for (const [index, { kind, length, name }] of descriptors.entries()) {
    const descriptor = shareDescriptor.write({ kind: KIND_NUMBERS[kind], length, name });
    bytes.set(descriptor, shareHeader.size + index * shareDescriptor.size);
  }
  if (frame !== undefined) bytes.set(encodeFrameRecord(frame), frameAt);
  bytes.set(message, messageAt);
  return bytes;
}

/**
 * Parses the bytes of a packet, and validates the message against its own header only.
 *
 * @throws {DmaBufError} `EPROTO` unless it is one whole message of this version, `EMSGSIZE` for a
 *   message that is too long
 */
export function decodeMessage(bytes: Uint8Array): MessageContent {
  const { descriptorCount, frameCount, messageBytes } = decodeHeader(bytes);
  const { frameAt, messageAt } = placesOf(descriptorCount, frameCount);
  if (bytes.length !== messageAt + messageBytes) {
    throw refusal(
      `it has ${bytes.length} bytes where its header, ${descriptorCount} descriptors, ${frameCount} frames and ${messageBytes} bytes of message take ${messageAt + messageBytes}`,
    );
  }
  const descriptors = Array.from({ length: descriptorCount }, (_, index) =>
    decodeDescriptor(bytes.subarray(shareHeader.size + index * shareDescriptor.size), index),
  );
  const message = bytes.subarray(messageAt);
  if (frameCount === 0) return { descriptors, message };
  return { descriptors, frame: decodeFrameRecord(bytes.subarray(frameAt), descriptors), message };
}

function decodeHeader(bytes: Uint8Array): { descriptorCount: number; frameCount: number; messageBytes: number } {
  if (bytes.length < shareHeader.size) throw refusal(`it has ${bytes.length} bytes, less than a header's`);
  const { magic, version, descriptorCount, messageBytes, frameCount } = shareHeader.read(bytes);
  if (magic !== SHARE_MAGIC) throw refusal(`it begins with 0x${magic.toString(16)}, which is no message of ours`);
  if (version !== SHARE_VERSION)
    throw refusal(`it is of version ${version}, and version ${SHARE_VERSION} is understood`);
  if (frameCount > 1) throw refusal(`it announces ${frameCount} frames, and has room for one`);
  if (messageBytes > MESSAGE_BYTES_MAX)
    throw refusal(`its ${messageBytes} bytes are more than ${MESSAGE_BYTES_MAX}`, 'EMSGSIZE');
  return { descriptorCount, frameCount, messageBytes };
}

function decodeDescriptor(bytes: Uint8Array, index: number): DescribedDescriptor {
  const { kind, length, name, reserved } = shareDescriptor.read(bytes);
  const known = KIND_BY_NUMBER.get(kind);
  if (known === undefined) throw refusal(`its descriptor ${index} is of the unknown kind ${kind}`);
  if (reserved !== 0) throw refusal(`what is reserved of its descriptor ${index} is not zero`);
  if (Buffer.byteLength(name) > BUFFER_NAME_BYTES_MAX) throw refusal(`the name of its descriptor ${index} is too long`);
  return { kind: known, length, name };
}
