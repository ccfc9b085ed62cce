import { defineStruct } from '../uapi/struct.ts';
import type { StructSchema } from '../uapi/struct.ts';
import { protocolError } from './protocol-error.ts';

/**
 * `GstVideoMeta`, as unixfdsink sends it: what a frame's planes are, where they are not default.
 */
export interface VideoMeta {
  /** `GstVideoFormat`. */
  readonly formatNumber: number;
  readonly width: number;
  readonly height: number;
  /** In the frame's memories, put one behind the other. */
  readonly planes: readonly { readonly offset: number; readonly stride: number }[];
}

/** A meta of a buffer, by its name in GStreamer's registry. */
export interface Meta {
  readonly name: string;
  readonly version: number;
  readonly body: Uint8Array;
}

const VIDEO_META_NAME = 'GstVideoMeta';
const VIDEO_META_VERSION = 0;
/** `GST_VIDEO_MAX_PLANES`. */
const PLANES_MAX = 4;

/** Behind it: the name with its closing NUL, a byte with the version, and the body. */
const metaHeader: StructSchema<'wholeBytes' | 'nameBytes'> = defineStruct({ wholeBytes: 'u32', nameBytes: 'u32' });

/** Behind it: an offset of 64 bits and a stride of 32 for each plane, then paddings. */
const videoMetaHead: StructSchema<'flags' | 'format' | 'width' | 'height' | 'planeCount'> = defineStruct(
  { flags: 's32', format: 's32', width: 'u32', height: 'u32', planeCount: 'u32' },
  { packed: true },
);
const OFFSET_BYTES = 8;
const STRIDE_BYTES = 4;
const PADDING_BYTES = 4 * 4;

/**
 * The metas at the end of a message of a buffer.
 *
 * @param count as the message says
 * @throws {DmaBufError} `EPROTO` where they do not add up
 */
export function readMetas(bytes: Uint8Array, count: number): Meta[] {
  const metas: Meta[] = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    if (bytes.length - at < metaHeader.size) throw protocolError(`meta ${index + 1} of ${count} is cut`);
    const { wholeBytes, nameBytes } = metaHeader.read(bytes.subarray(at));
    const bodyAt = metaHeader.size + nameBytes + 2;
    if (wholeBytes < bodyAt || at + wholeBytes > bytes.length)
      throw protocolError(`meta ${index + 1} of ${count} has ${wholeBytes} bytes, of ${bytes.length - at}`);
    const name = Buffer.from(bytes.subarray(at + metaHeader.size, at + metaHeader.size + nameBytes)).toString('latin1');
    const version = bytes[at + bodyAt - 1] ?? 0;
    metas.push({ name, version, body: bytes.subarray(at + bodyAt, at + wholeBytes) });
    at += wholeBytes;
  }
  if (at !== bytes.length) throw protocolError(`${bytes.length - at} bytes follow its metas`);
  return metas;
}

/** Undefined for another meta, or a version of it that is not known. */
export function readVideoMeta({ name, version, body }: Meta): VideoMeta | undefined {
  if (name !== VIDEO_META_NAME || version !== VIDEO_META_VERSION) return undefined;
  if (body.length < videoMetaHead.size) throw protocolError('its GstVideoMeta is cut');
  const { format, width, height, planeCount } = videoMetaHead.read(body);
  const stridesAt = videoMetaHead.size + planeCount * OFFSET_BYTES;
  if (planeCount > PLANES_MAX || body.length < stridesAt + planeCount * STRIDE_BYTES)
    throw protocolError(`its GstVideoMeta of ${body.length} bytes has ${planeCount} planes`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const planes = Array.from({ length: planeCount }, (_, index) => ({
    offset: toNumber(view.getBigUint64(videoMetaHead.size + index * OFFSET_BYTES, true)),
    stride: view.getInt32(stridesAt + index * STRIDE_BYTES, true),
  }));
  return { formatNumber: format, width, height, planes };
}

export function writeVideoMeta({ formatNumber, width, height, planes }: VideoMeta): Uint8Array {
  const name = Buffer.from(`${VIDEO_META_NAME}\0`, 'latin1');
  const stridesAt = videoMetaHead.size + planes.length * OFFSET_BYTES;
  const body = new Uint8Array(stridesAt + planes.length * (STRIDE_BYTES + STRIDE_BYTES) + PADDING_BYTES);
  videoMetaHead.write({ format: formatNumber, width, height, planeCount: planes.length }, body);
  const view = new DataView(body.buffer);
  for (const [index, { offset, stride }] of planes.entries()) {
    view.setBigUint64(videoMetaHead.size + index * OFFSET_BYTES, BigInt(offset), true);
    view.setInt32(stridesAt + index * STRIDE_BYTES, stride, true);
  }
  const wholeBytes = metaHeader.size + name.length + 1 + body.length;
  const header = metaHeader.write({ wholeBytes, nameBytes: name.length - 1 });
  return Buffer.concat([header, name, Uint8Array.of(VIDEO_META_VERSION), body]);
}

/** A value beyond 2^53 is no offset in memory: the frame's check refuses it. */
function toNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
