import { checkInteger, readOptions } from '../base/check.ts';
import type { PictureSize, Rectangle } from '../base/rectangle.ts';

/**
 * A rectangle within a picture; the whole picture where there is none.
 *
 * @param sideMax of either side, in pixels
 * @throws {TypeError | RangeError} for one that is empty, too large, or reaches out of the picture
 */
export function readRectangle(
  rectangle: Rectangle | undefined,
  { action, name, picture, sideMax }: { action: string; name: string; picture: PictureSize; sideMax: number },
): Rectangle {
  const given = rectangle ?? { x: 0, y: 0, width: picture.width, height: picture.height };
  const read = readOptions(given, action, ['x', 'y', 'width', 'height'], name);
  const check = (field: keyof Rectangle, min: number, max: number): number =>
    checkInteger(read[field], { action, name: `${name}.${field}`, min, max, unit: 'pixels' });
  const x = check('x', 0, picture.width - 1);
  const y = check('y', 0, picture.height - 1);
  return {
    x,
    y,
    width: check('width', 1, Math.min(picture.width - x, sideMax)),
    height: check('height', 1, Math.min(picture.height - y, sideMax)),
  };
}

/** Whether two rectangles of one picture have a pixel, or the colour of one, in common. */
export function rectanglesMeet(left: Rectangle, right: Rectangle, block: PictureSize): boolean {
  return (
    spansMeet([left.x, left.width], [right.x, right.width], block.width) &&
    spansMeet([left.y, left.height], [right.y, right.height], block.height)
  );
}

type Span = readonly [start: number, length: number];

function spansMeet([start, length]: Span, [otherStart, otherLength]: Span, step: number): boolean {
  const blockOf = (pixel: number): number => Math.floor(pixel / step);
  return blockOf(start) <= blockOf(otherStart + otherLength - 1) && blockOf(otherStart) <= blockOf(start + length - 1);
}
