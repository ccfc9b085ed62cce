/**
 * What unixfdsink and unixfdsrc say to each other (gst-plugins-bad, sys/unixfd, since 1.24): a
 * command of 8 bytes with the descriptors, and its payload. In the machine's byte order, without a
 * version.
 */

import { defineStruct } from '../uapi/struct.ts';
import type { StructSchema } from '../uapi/struct.ts';
import { protocolError } from './protocol-error.ts';
import { CAPS_BYTES_MAX } from './video-caps.ts';
import { readMetas } from './video-meta.ts';
import type { Meta } from './video-meta.ts';

export const COMMAND = { newBuffer: 0, releaseBuffer: 1, caps: 2, endOfStream: 3 } as const;

export const commandHeader: StructSchema<'type' | 'payloadBytes'> = defineStruct({ type: 'u32', payloadBytes: 'u32' });

/** A memory is sent as the file of a memfd or as a dma-buf; all of a buffer are of one kind. */
const MEMORY_KINDS = ['memfd', 'dma-buf'] as const;

const newBufferHead: StructSchema<
  'flags' | 'memoryKind' | 'memoryCount' | 'metaCount',
  never,
  'id' | 'pts' | 'dts' | 'duration' | 'offset' | 'offsetEnd'
> = defineStruct(
  {
    id: 'u64 exact',
    pts: 'u64 exact',
    dts: 'u64 exact',
    duration: 'u64 exact',
    offset: 'u64 exact',
    offsetEnd: 'u64 exact',
    flags: 'u32',
    memoryKind: 'u8',
    memoryCount: 'u8',
    metaCount: 'u16',
  },
  { packed: true },
);
const memoryRecord: StructSchema<'size' | 'offset'> = defineStruct({ size: 'u64', offset: 'u64' });
const releaseRecord: StructSchema<never, never, 'id'> = defineStruct({ id: 'u64 exact' });

/** `GST_CLOCK_TIME_NONE`, `GST_BUFFER_OFFSET_NONE`. */
const NONE: bigint = 2n ** 64n - 1n;
/** `GST_VIDEO_MAX_PLANES`, and one each. */
export const MEMORIES_MAX = 4;

/** A part of a file, in bytes. */
export interface SentMemory {
  readonly offset: number;
  readonly length: number;
}

export interface NewBuffer {
  readonly id: bigint;
  /** In ns of CLOCK_MONOTONIC; undefined where there is none. */
  readonly timestampNs: bigint | undefined;
  readonly durationNs: bigint | undefined;
  readonly memoryKind: (typeof MEMORY_KINDS)[number];
  /** As many as descriptors came. */
  readonly memories: readonly SentMemory[];
  readonly metas: readonly Meta[];
}

/** @throws {DmaBufError} `EPROTO` for a payload that does not add up */
export function readNewBuffer(payload: Uint8Array): NewBuffer {
  if (payload.length < newBufferHead.size) throw protocolError(`its message of a frame has ${payload.length} bytes`);
  const { id, pts, duration, memoryKind, memoryCount, metaCount } = newBufferHead.read(payload);
  const kind = MEMORY_KINDS[memoryKind];
  if (kind === undefined) throw protocolError(`its frame has memory of the unknown kind ${memoryKind}`);
  const metasAt = newBufferHead.size + memoryCount * memoryRecord.size;
  if (memoryCount === 0 || memoryCount > MEMORIES_MAX || payload.length < metasAt)
    throw protocolError(`its frame of ${payload.length} bytes has ${memoryCount} memories`);
  const memories = Array.from({ length: memoryCount }, (_, index) => {
    const { size, offset } = memoryRecord.read(payload.subarray(newBufferHead.size + index * memoryRecord.size));
    return { offset, length: size };
  });
  return {
    id,
    timestampNs: pts === NONE ? undefined : pts,
    durationNs: duration === NONE ? undefined : duration,
    memoryKind: kind,
    memories,
    metas: readMetas(payload.subarray(metasAt), metaCount),
  };
}

/** @param metas as `writeVideoMeta` gives them */
export function writeNewBuffer(
  { id, timestampNs, durationNs, memoryKind, memories }: Omit<NewBuffer, 'metas'>,
  metas: readonly Uint8Array[],
): Uint8Array {
  const head = newBufferHead.write({
    id,
    pts: timestampNs ?? NONE,
    dts: NONE,
    duration: durationNs ?? NONE,
    offset: NONE,
    offsetEnd: NONE,
    memoryKind: MEMORY_KINDS.indexOf(memoryKind),
    memoryCount: memories.length,
    metaCount: metas.length,
  });
  const records = memories.map(({ offset, length }) => memoryRecord.write({ size: length, offset }));
  return writeCommand(COMMAND.newBuffer, Buffer.concat([head, ...records, ...metas]));
}

export function writeRelease(id: bigint): Uint8Array {
  return writeCommand(COMMAND.releaseBuffer, releaseRecord.write({ id }));
}

/** @throws {DmaBufError} `EPROTO` for another length */
export function readRelease(payload: Uint8Array): bigint {
  if (payload.length !== releaseRecord.size) throw protocolError(`its release has ${payload.length} bytes`);
  return releaseRecord.read(payload).id;
}

export function writeCaps(caps: string): Uint8Array {
  return writeCommand(COMMAND.caps, Buffer.from(`${caps}\0`));
}

/** @throws {DmaBufError} `EPROTO` for one that is too long, or does not end */
export function readCaps(payload: Uint8Array): string {
  const end = payload.indexOf(0);
  if (end < 0 || end !== payload.length - 1 || end > CAPS_BYTES_MAX)
    throw protocolError(
      `its caps of ${payload.length} bytes do not end with NUL, or are longer than ${CAPS_BYTES_MAX}`,
    );
  return Buffer.from(payload.subarray(0, end)).toString();
}

export function writeEndOfStream(): Uint8Array {
  return writeCommand(COMMAND.endOfStream, new Uint8Array(0));
}

function writeCommand(type: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([commandHeader.write({ type, payloadBytes: payload.length }), payload]);
}
