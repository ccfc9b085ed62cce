/** Frames of rings and pools: one buffer each, mapped while in use. */

import { outOfRange } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { WINDOW_BYTES_MAX } from '../base/limits.ts';
import type { FrameDescription } from './frame-description.ts';
import { checkDescription, viewOfPlane } from './frame-layout.ts';
import type { FrameLayout } from './frame-layout.ts';
import type { PlaneView } from './plane-view.ts';

/** A frame that holds a picture, as the caller requests it. */
interface PictureFrame {
  readonly layout: FrameDescription;
  /** In bytes; undefined for the length of the layout. */
  readonly length: number | undefined;
}

/**
 * The length of a frame, in bytes.
 *
 * @param argument the action, and the caller's name of the length
 * @throws {TypeError | RangeError} for an invalid layout, or one in several buffers; for a length
 *   that does not hold it
 */
export function lengthOfFrame({ layout, length }: PictureFrame, argument: Argument): number {
  const layoutArgument = { action: argument.action, name: 'layout' };
  const [needed = 0, ...more] = checkDescription(layout, layoutArgument).bufferLengths;
  if (more.length > 0) {
    throw outOfRange(layoutArgument, {
      must: 'have its planes in one buffer',
      received: layout,
      shown: `${1 + more.length} buffers`,
    });
  }
  if (length === undefined) return needed;
  return checkInteger(length, { ...argument, min: needed, max: WINDOW_BYTES_MAX, unit: 'bytes' });
}

/**
 * A plane of the picture in a frame that is already mapped. Its close does nothing: the frame is
 * released as a whole.
 *
 * @param readBytes returns the frame's bytes, or throws after the release
 * @throws {DmaBufError} `EOPNOTSUPP` where there is no picture layout
 * @throws {TypeError | RangeError} for a plane that does not exist
 */
export function planeOfFrame(
  layout: FrameLayout | undefined,
  index: number,
  readBytes: () => Uint8Array<SharedArrayBuffer>,
): PlaneView {
  if (layout === undefined) {
    throw new DmaBufError(
      'Cannot take a plane of the frame as it has no layout: create its ring or pool with { layout }',
      {
        code: 'EOPNOTSUPP',
      },
    );
  }
  return viewOfPlane(layout.description, index, {
    part: (offset, length) => readBytes().subarray(offset, offset + length),
    close: () => {},
  });
}
