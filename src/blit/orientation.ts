import { checkOneOf } from '../base/check.ts';

/** Which way a picture is mirrored: left with right, top with bottom, or both. */
export type Flip = 'none' | 'horizontal' | 'vertical' | 'both';

/** Clockwise, in degrees. */
export type Rotation = 0 | 90 | 180 | 270;

const FLIPS: readonly Flip[] = ['none', 'horizontal', 'vertical', 'both'];
const ROTATIONS: readonly Rotation[] = [0, 90, 180, 270];

/**
 * A picture mirrored and then turned, as one step: rows and columns change places or do not, and
 * each is then taken from its end or is not. Reversal is that of the source's columns and rows.
 */
export interface Orientation {
  readonly transposed: boolean;
  readonly reversedX: boolean;
  readonly reversedY: boolean;
}

/** @throws {TypeError} for what is neither a flip nor a rotation */
export function readOrientation(
  { flip = 'none', rotate = 0 }: { flip?: Flip | undefined; rotate?: Rotation | undefined },
  action: string,
): Orientation {
  checkOneOf(flip, { action, name: 'flip', allowed: FLIPS });
  checkOneOf(rotate, { action, name: 'rotate', allowed: ROTATIONS });
  const flippedX = flip === 'horizontal' || flip === 'both';
  const flippedY = flip === 'vertical' || flip === 'both';
  // A quarter turn clockwise reads columns from the bottom up; half a turn more reverses both.
  return {
    transposed: rotate === 90 || rotate === 270,
    reversedX: flippedX !== (rotate === 180 || rotate === 270),
    reversedY: flippedY !== (rotate === 180 || rotate === 90),
  };
}
