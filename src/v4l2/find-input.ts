import { outOfRange, wrongType } from '../base/argument-error.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { labelOf } from '../picture/frame-description.ts';
import { CameraFrame } from './camera-frame.ts';
import type { FrameShape } from './camera-frame.ts';
import { CONVERT } from './converter-input.ts';

/** A picture that lies in a buffer of a converter's input. */
interface FoundInput {
  readonly index: number;
  readonly layout: FrameLayout;
  /** Of each memory; undefined where the picture fills it. */
  readonly bytesUsed: readonly number[] | undefined;
  /** Of a camera's frame. */
  readonly timestampNs: bigint | undefined;
}

/** Names the argument in messages. */
const PICTURE = { action: CONVERT, name: 'picture' };

/**
 * Which buffer of the input a picture lies in.
 *
 * @throws {TypeError | RangeError} for what is no picture, one in other buffers, and one of another
 *   size, format or layout
 * @throws {DmaBufError} `ERR_DMABUF_CLOSED` for a frame that was closed
 */
export function findInput(picture: unknown, { layouts, format }: FrameShape): FoundInput {
  const isFrame = CameraFrame.isFrame(picture);
  const layout: unknown = isFrame ? picture.layout : picture;
  if (!FrameLayout.isLayout(layout))
    throw wrongType(PICTURE, { must: 'be a FrameLayout, or a frame of a camera', received: picture });
  const index = layouts.findIndex(
    ({ buffers }) =>
      buffers.length === layout.buffers.length && buffers.every((each, at) => each === layout.buffers[at]),
  );
  const own = layouts[index];
  if (own === undefined) {
    const remedy = 'give them to openVideoConverter() as { input: { buffers } }';
    throw outOfRange(PICTURE, { must: 'lie in buffers of the input', received: layout, remedy });
  }
  if (!isAlike(layout, own, format.compressed))
    throw outOfRange(PICTURE, { must: `be laid out as the input: ${labelOf(own.description)}`, received: layout });
  return {
    index,
    layout: own,
    bytesUsed: format.compressed ? layout.planes.map(({ length }) => length) : undefined,
    timestampNs: isFrame ? picture.timestampNs : undefined,
  };
}

function isAlike(one: FrameLayout, other: FrameLayout, compressed: boolean): boolean {
  if (one.width !== other.width || one.height !== other.height || one.fourcc !== other.fourcc) return false;
  if (compressed) return true;
  const places = other.description.planes;
  return (
    one.modifier === other.modifier &&
    one.planes.length === places.length &&
    one.description.planes.every(({ bufferIndex, offset, stride }, index) => {
      const place = places[index];
      return bufferIndex === place?.bufferIndex && offset === place.offset && stride === place.stride;
    })
  );
}
