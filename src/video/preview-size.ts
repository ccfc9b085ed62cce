import type { DisplayMode } from '../drm/display-mode.ts';
import type { FormatDescription, SizeDescription } from '../v4l2/describe-formats.ts';
import type { PictureSize } from '../base/rectangle.ts';

/** Whether a camera's format has a size. */
function hasSize(format: FormatDescription, { width, height }: PictureSize): boolean {
  return format.sizes.some((size) =>
    size.kind === 'discrete'
      ? size.width === width && size.height === height
      : isStep(width, [size.widthMin, size.widthMax, size.widthStep]) &&
        isStep(height, [size.heightMin, size.heightMax, size.heightStep]),
  );
}

function isStep(length: number, [min, max, step]: readonly [min: number, max: number, step: number]): boolean {
  return length >= min && length <= max && (step === 0 || (length - min) % step === 0);
}

/**
 * The size in which a camera's pictures are taken for a screen: the screen's own, else the largest
 * that fits on it, else the camera's smallest. Undefined where the driver tells none.
 */
export function sizeForScreen(format: FormatDescription, mode: DisplayMode): PictureSize | undefined {
  if (hasSize(format, mode)) return { width: mode.width, height: mode.height };
  const sizes = format.sizes.map(largestOf).toSorted((one, other) => areaOf(other) - areaOf(one));
  const fitting = sizes.find(({ width, height }) => width <= mode.width && height <= mode.height);
  return fitting ?? sizes.at(-1);
}

function largestOf(size: SizeDescription): PictureSize {
  if (size.kind === 'discrete') return { width: size.width, height: size.height };
  return { width: size.widthMax, height: size.heightMax };
}

function areaOf({ width, height }: PictureSize): number {
  return width * height;
}
