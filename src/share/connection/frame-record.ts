/** The picture part of a message. bench/peer/dmabuf-share.h has the same structs. */

import { PLANE_COUNT_MAX, findFrameFlaw } from '../../picture/frame-flaw.ts';
import type { FrameFields, PlaneDescription } from '../../picture/frame-flaw.ts';
import type { Fourcc } from '../../uapi/fourcc-code.ts';
import { defineStruct } from '../../uapi/struct.ts';
import type { StructSchema } from '../../uapi/struct.ts';
import { refusal } from './message-refusal.ts';

/** `struct dmabuf_share_frame` without its planes, which follow. */
export const shareFrame: StructSchema<'width' | 'height' | 'fourcc' | 'planeCount', never, 'modifier'> = defineStruct({
  width: 'u32',
  height: 'u32',
  fourcc: 'u32',
  planeCount: 'u32',
  modifier: 'u64 exact',
});

/** `struct dmabuf_share_plane`: always four, with zeros for missing ones. */
export const sharePlane: StructSchema<'descriptor' | 'stride' | 'offset' | 'length'> = defineStruct({
  descriptor: 'u32',
  stride: 'u32',
  offset: 'u64',
  length: 'u64',
});

/** In bytes. */
export const FRAME_RECORD_BYTES: number = shareFrame.size + PLANE_COUNT_MAX * sharePlane.size;

/** The announced properties of a descriptor. */
interface AnnouncedDescriptor {
  readonly kind: string;
  /** In bytes. */
  readonly length: number;
}

/** A picture in the buffers of a message. */
export interface FrameRecord {
  readonly fields: FrameFields;
  /** The descriptor of the message that is each of the picture's buffers, by index from 0. */
  readonly descriptors: readonly number[];
}

export function encodeFrameRecord({ fields, descriptors }: FrameRecord): Uint8Array {
  const { width, height, fourcc, modifier, planes } = fields;
  const bytes = new Uint8Array(FRAME_RECORD_BYTES);
  bytes.set(shareFrame.write({ width, height, fourcc, planeCount: planes.length, modifier }));
  for (const [index, { bufferIndex, stride, offset, length }] of planes.entries()) {
    const descriptor = descriptors[bufferIndex] ?? 0;
    bytes.set(sharePlane.write({ descriptor, stride, offset, length }), shareFrame.size + index * sharePlane.size);
  }
  return bytes;
}

/**
 * Reads a picture, and checks it against its format and the announced lengths of its buffers.
 *
 * @throws {DmaBufError} `EPROTO` for an invalid picture, or one that does not fit those buffers
 */
export function decodeFrameRecord(bytes: Uint8Array, announced: readonly AnnouncedDescriptor[]): FrameRecord {
  const { width, height, fourcc, planeCount, modifier } = shareFrame.read(bytes);
  if (planeCount > PLANE_COUNT_MAX) throw refusal(`its frame has ${planeCount} planes`);
  const all = Array.from({ length: PLANE_COUNT_MAX }, (_, index) =>
    sharePlane.read(bytes.subarray(shareFrame.size + index * sharePlane.size)),
  );
  const isUsed = (plane: Record<string, number>): boolean => Object.values(plane).some((value) => value !== 0);
  if (all.slice(planeCount).some(isUsed)) throw refusal(`its frame says of more than its ${planeCount} planes`);
  const stored = all.slice(0, planeCount);
  const descriptors = [...new Set(stored.map(({ descriptor }) => descriptor))];
  const planes = stored.map(({ descriptor, stride, offset, length }) => {
    const plane = { bufferIndex: descriptors.indexOf(descriptor), stride, offset, length };
    checkHolds(announced[descriptor], plane, descriptor);
    return plane;
  });
  const fields = { width, height, fourcc: fourcc as Fourcc, modifier, planes };
  const flaw = findFrameFlaw(fields);
  if (flaw !== undefined) throw refusal(`its frame is none: ${flaw}`);
  return { fields, descriptors };
}

function checkHolds(
  announced: AnnouncedDescriptor | undefined,
  { offset, length }: PlaneDescription,
  descriptor: number,
): void {
  if (announced === undefined || announced.kind === 'sync-file')
    throw refusal(`its frame lies in descriptor ${descriptor}, which is no buffer of it`);
  if (offset + length > announced.length)
    throw refusal(
      `its frame has ${length} bytes at ${offset} of descriptor ${descriptor}, which has ${announced.length}`,
    );
}
