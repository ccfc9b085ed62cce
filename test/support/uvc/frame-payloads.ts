/** How a frame travels: payloads, each behind a header, cut into transfers (UVC 1.1, 2.4.3). */

import { concatenate, pack, u32, u8 } from './packed-fields.ts';
import { CLOCK_HZ } from './uvc-descriptors.ts';

/** Bits of bmHeaderInfo. */
const FRAME_ID = 1 << 0;
const END_OF_FRAME = 1 << 1;
const HAS_PRESENTATION_TIME = 1 << 2;
const ERROR = 1 << 6;
const END_OF_HEADER = 1 << 7;

/**
 * With the time of the frame, and without the bus's: a header that has both makes the driver ask
 * the virtual host for a frame number, and the kernel's log fills with "Not yet implemented".
 */
const HEADER_BYTES = 6;
const NS_A_SECOND = 1_000_000_000n;
const TIME_MASK = 0xffff_ffffn;

/** A frame as it is sent. */
export interface CameraFrame {
  /** A JPEG file, or the bytes of the picture. Fewer than the format says: a short frame. */
  readonly bytes: Uint8Array;
  /** Whether its payloads have the error bit. */
  readonly hasError?: boolean;
  /**
   * False: no payload says that the frame ends here. The host learns it from the next frame, whose
   * headers have the other frame ID.
   */
  readonly hasEnd?: boolean;
}

/**
 * The payloads of one frame.
 *
 * @param frameId 0 and 1 in turns: by it the host tells frames apart
 * @param timeNs when the frame was taken
 */
export function framePayloads(
  frame: CameraFrame,
  { frameId, payloadBytesMax, timeNs }: { frameId: number; payloadBytesMax: number; timeNs: bigint },
): Uint8Array[] {
  const { bytes, hasError = false, hasEnd = true } = frame;
  const dataBytesMax = payloadBytesMax - HEADER_BYTES;
  const count = Math.max(1, Math.ceil(bytes.length / dataBytesMax));
  const flags = (frameId & FRAME_ID) | (hasError ? ERROR : 0);
  return Array.from({ length: count }, (_, index) => {
    const isLast = index === count - 1;
    const data = bytes.subarray(index * dataBytesMax, (index + 1) * dataBytesMax);
    return concatenate([payloadHeader(flags | (isLast && hasEnd ? END_OF_FRAME : 0), timeNs), data]);
  });
}

function payloadHeader(flags: number, timeNs: bigint): Uint8Array {
  return pack({
    bHeaderLength: u8(HEADER_BYTES),
    bmHeaderInfo: u8(flags | HAS_PRESENTATION_TIME | END_OF_HEADER),
    dwPresentationTime: u32(Number(((timeNs * BigInt(CLOCK_HZ)) / NS_A_SECOND) & TIME_MASK)),
  });
}

/**
 * The next transfer's part of a payload. A transfer that is not full ends the payload, and so does
 * the largest payload there may be: any other that fills its last transfer needs an empty one
 * behind it.
 */
export function cutTransfer(
  payload: Uint8Array,
  { offset, room, payloadBytesMax }: { offset: number; room: number; payloadBytesMax: number },
): { data: Uint8Array; isLast: boolean } {
  const data = payload.subarray(offset, offset + room);
  const isWhole = offset + data.length === payload.length;
  return { data, isLast: isWhole && (data.length < room || payload.length === payloadBytesMax) };
}
