/** Rectangles that are copied byte by byte, and those that would be read where they are written. */

import { outOfRange } from '../base/argument-error.ts';
import type { PixelPlane } from '../picture/pixel-format-table.ts';
import { hasStoredPairs } from './blit-format.ts';
import { BLIT_ACTION } from './blit-options.ts';
import type { BlitSide, CheckedBlit } from './blit-options.ts';
import { isScaled } from './blit-job.ts';
import { colorTransform } from './color-transform.ts';
import { rectanglesMeet } from './rectangle.ts';

/** The rows of a rectangle in one plane. */
interface PlaneRows {
  /** In bytes, from the start of the plane. */
  readonly offset: number;
  readonly rowBytes: number;
  readonly rowCount: number;
}

/** The rows of the rectangle of a picture in each of its planes, as far as they share samples. */
export function rowsOfRectangle({ frame, rectangle }: BlitSide): PlaneRows[] {
  const planes = frame.description.format?.planes ?? [];
  return planes.map((plane, index) => rowsOfPlane(plane, rectangle, frame.planes[index]?.stride ?? 0));
}

function rowsOfPlane(plane: PixelPlane, rectangle: BlitSide['rectangle'], stride: number): PlaneRows {
  const { blockWidth, blockBytes, horizontalSubsampling, verticalSubsampling } = plane;
  const pixelsAcross = horizontalSubsampling * blockWidth;
  const left = Math.floor(rectangle.x / pixelsAcross);
  const right = Math.ceil((rectangle.x + rectangle.width) / pixelsAcross);
  const top = Math.floor(rectangle.y / verticalSubsampling);
  const bottom = Math.ceil((rectangle.y + rectangle.height) / verticalSubsampling);
  return {
    offset: top * stride + left * blockBytes,
    rowBytes: (right - left) * blockBytes,
    rowCount: bottom - top,
  };
}

/**
 * Whether bytes need only be copied: colours that pixels share are then shared by the same ones.
 */
export function isPlainCopy(blit: CheckedBlit): boolean {
  const { source, destination, transposed, reversedX, reversedY } = blit;
  if (source.frame.fourcc !== destination.frame.fourcc || transposed || reversedX || reversedY) return false;
  if (isScaled(blit) || colorTransform(source.colors, destination.colors) !== undefined) return false;
  return !source.format.isYcbcr || (beginsWithBlock(source) && beginsWithBlock(destination) && endsWithBlock(source));
}

function beginsWithBlock({ format, rectangle }: BlitSide): boolean {
  return rectangle.x % 2 === 0 && (format.verticalShift === 0 || rectangle.y % 2 === 0);
}

/** The second pixel of a stored pair has its brightness beside the first one's. */
function endsWithBlock({ format, rectangle }: BlitSide): boolean {
  return !hasStoredPairs(format) || rectangle.width % 2 === 0;
}

/** @throws {RangeError} when a byte would be read and written */
export function refuseOverlap({ source, destination }: CheckedBlit): void {
  if (!overlaps(source, destination)) return;
  throw outOfRange(
    { action: BLIT_ACTION, name: 'destinationRectangle' },
    {
      must: 'share no bytes with what is read',
      received: destination.rectangle,
      remedy: 'blit through another buffer',
    },
  );
}

function overlaps(source: BlitSide, destination: BlitSide): boolean {
  if (!source.frame.buffers.some((buffer) => destination.frame.buffers.includes(buffer))) return false;
  if (isSamePlace(source, destination)) {
    const { isYcbcr, verticalShift } = source.format;
    const block = { width: isYcbcr ? 2 : 1, height: verticalShift === 1 ? 2 : 1 };
    return rectanglesMeet(source.rectangle, destination.rectangle, block);
  }
  const spans = spansOf(source);
  return spansOf(destination).some((span) =>
    spans.some(({ buffer, start, end }) => buffer === span.buffer && start < span.end && span.start < end),
  );
}

/** Whether both are one picture: then bytes between the rows of one may be the other's. */
function isSamePlace(source: BlitSide, destination: BlitSide): boolean {
  return (
    source.frame.fourcc === destination.frame.fourcc &&
    source.frame.planes.every(({ buffer, offset, stride }, index) => {
      const other = destination.frame.planes[index];
      return other?.buffer === buffer && other.offset === offset && other.stride === stride;
    })
  );
}

/** From the first byte of a rectangle in a plane to its last one. */
function spansOf(side: BlitSide): { buffer: object; start: number; end: number }[] {
  return rowsOfRectangle(side).flatMap(({ offset, rowBytes, rowCount }, index) => {
    const plane = side.frame.planes[index];
    if (plane === undefined) return [];
    const start = plane.offset + offset;
    return [{ buffer: plane.buffer, start, end: start + (rowCount - 1) * plane.stride + rowBytes }];
  });
}
