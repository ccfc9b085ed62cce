/** What a blit is asked to do: read once, checked, as plain values. */

import type { WaitOptions } from '../base/abort.ts';
import { wrongType, wrongValue } from '../base/argument-error.ts';
import { checkOneOf, readOptions } from '../base/check.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { AccessSyncOptions } from '../heap/cpu-access.ts';
import { BLIT_FORMATS, findBlitFormat } from './blit-format.ts';
import type { BlitFormat } from './blit-format.ts';
import { readColors } from './blit-colors.ts';
import type { BlitColors, CheckedColors } from './blit-colors.ts';
import { BLIT_SIDE_MAX } from './blit-module.ts';
import { readOrientation } from './orientation.ts';
import type { Flip, Orientation, Rotation } from './orientation.ts';
import { readRectangle } from './rectangle.ts';
import type { Rectangle } from '../base/rectangle.ts';
import type { Filter } from './scale-table.ts';

/** Options of {@link Blitter.blit}. */
export interface BlitOptions {
  /** What is read. Default: the whole source. At most 16,384 pixels a side. */
  readonly sourceRectangle?: Rectangle | undefined;
  /** What is written. Default: the whole destination. At most 16,384 pixels a side. */
  readonly destinationRectangle?: Rectangle | undefined;
  /**
   * How pixels are made where the rectangles differ in size. `nearest`: the source's pixel whose
   * middle is nearest. `bilinear`: a mean of four, by distance; smaller than half the size it skips
   * pixels, as screens and GPUs do. Default: nearest.
   */
  readonly filter?: Filter | undefined;
  /** Mirrors the picture, before it is turned. Default: none. */
  readonly flip?: Flip | undefined;
  /** Turns the picture clockwise, in degrees. Default: 0. */
  readonly rotate?: Rotation | undefined;
  /**
   * How a YCbCr source stands for colours: what V4L2 says of the frame. Default: BT.601 in limited
   * range, as webcams have it. Red, green and blue are always of full range.
   */
  readonly sourceColors?: BlitColors | undefined;
  /** The same of a YCbCr destination. Default: the source's, where it is YCbCr too. */
  readonly destinationColors?: BlitColors | undefined;
}

/** One of the two pictures. */
export interface BlitSide {
  readonly frame: FrameLayout;
  readonly format: BlitFormat;
  readonly rectangle: Rectangle;
  /** Undefined for red, green and blue. */
  readonly colors: CheckedColors | undefined;
}

/** A blit that was checked. */
export interface CheckedBlit extends Orientation {
  readonly source: BlitSide;
  readonly destination: BlitSide;
  readonly filter: Filter;
}

export const BLIT_ACTION = 'blit the picture';

const OPTION_NAMES = [
  'sourceRectangle',
  'destinationRectangle',
  'filter',
  'flip',
  'rotate',
  'sourceColors',
  'destinationColors',
] as const satisfies readonly (keyof BlitOptions)[];

const FILTERS: readonly Filter[] = ['nearest', 'bilinear'];

/** The pictures of a blit, as a caller gives them. */
interface BlitPictures {
  readonly source: FrameLayout;
  readonly destination: FrameLayout;
}

/** The options with those of waiting, read once. */
export function readBlitOptions<Waiting extends WaitOptions | AccessSyncOptions>(
  options: BlitOptions & Waiting,
  waiting: readonly (keyof Waiting & string)[],
): BlitOptions & Waiting {
  return readOptions(options, BLIT_ACTION, [...OPTION_NAMES, ...waiting]);
}

/** @throws {TypeError | RangeError} for pictures or options that are none */
export function checkBlit({ source, destination }: BlitPictures, options: BlitOptions): CheckedBlit {
  const action = BLIT_ACTION;
  const sourceFormat = checkFrame(source, 'source');
  const destinationFormat = checkFrame(destination, 'destination');
  const { filter = 'nearest' } = options;
  const sourceColors = readColors(options.sourceColors, { action, name: 'sourceColors' });
  const defaults = sourceFormat.isYcbcr ? sourceColors : undefined;
  const destinationColors = readColors(options.destinationColors, { action, name: 'destinationColors' }, defaults);
  const rectangleOf = (name: 'sourceRectangle' | 'destinationRectangle', picture: FrameLayout): Rectangle =>
    readRectangle(options[name], { action, name, picture, sideMax: BLIT_SIDE_MAX });
  return {
    source: {
      frame: source,
      format: sourceFormat,
      rectangle: rectangleOf('sourceRectangle', source),
      colors: sourceFormat.isYcbcr ? sourceColors : undefined,
    },
    destination: {
      frame: destination,
      format: destinationFormat,
      rectangle: rectangleOf('destinationRectangle', destination),
      colors: destinationFormat.isYcbcr ? destinationColors : undefined,
    },
    filter: checkOneOf(filter, { action, name: 'filter', allowed: FILTERS }),
    ...readOrientation(options, action),
  };
}

function checkFrame(frame: unknown, name: string): BlitFormat {
  const argument = { action: BLIT_ACTION, name };
  if (!FrameLayout.isLayout(frame)) throw wrongType(argument, { must: 'be a FrameLayout', received: frame });
  const format = findBlitFormat(frame.description.format?.name);
  if (format !== undefined) return format;
  throw wrongValue(argument, { must: `be of one of the formats ${BLIT_FORMATS.join(', ')}`, received: frame });
}
