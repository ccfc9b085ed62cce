import type { PictureSize, Rectangle } from '../base/rectangle.ts';

/**
 * The largest rectangle of a picture's shape in the middle of a screen. Its edges are even, so that
 * pixels which share their colour stay together.
 */
export function fitRectangle(picture: PictureSize, screen: PictureSize): Rectangle {
  const scale = Math.min(screen.width / picture.width, screen.height / picture.height);
  const width = evenAtMost(picture.width * scale, screen.width);
  const height = evenAtMost(picture.height * scale, screen.height);
  return { x: evenMiddle(screen.width, width), y: evenMiddle(screen.height, height), width, height };
}

/** Rounded down to even, and at least one pixel of what there is. */
function evenAtMost(length: number, max: number): number {
  const rounded = Math.min(max, Math.round(length));
  return rounded === max ? max : Math.max(Math.min(2, max), rounded - (rounded % 2));
}

function evenMiddle(whole: number, part: number): number {
  const middle = Math.floor((whole - part) / 2);
  return middle - (middle % 2);
}
