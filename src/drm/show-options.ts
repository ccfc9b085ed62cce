import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger, readOptions } from '../base/check.ts';
import { UINT_MAX } from '../base/limits.ts';
import { readArray } from '../base/read-array.ts';
import { SyncFile } from '../heap/sync-file.ts';
import type { Rectangle } from '../base/rectangle.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { DRM_MODE_FB_DIRTY_MAX_CLIPS } from '../uapi/drm-mode.ts';
import type { DisplayMode } from './display-mode.ts';

/** Options of {@link Display.show}. */
export interface ShowOptions {
  /**
   * The number of a plane, one of `display.planes`. Default: the primary plane, which is the
   * picture itself.
   */
  readonly plane?: number | undefined;
  /** The part of the picture that is shown. Default: the whole. */
  readonly source?: Rectangle | undefined;
  /** Where on the screen. Where its size is not that of the source, the plane must scale. Default:
   * the size of the source, from the top left corner. */
  readonly destination?: Rectangle | undefined;
  /**
   * What has changed of what the plane shows, in pixels of the picture: drivers that copy, as those
   * of USB screens and virtual machines, copy no more than that. Default: all. Whether a plane's
   * driver makes use of it says `takesDamage`.
   */
  readonly damage?: readonly Rectangle[] | undefined;
  /** The kernel waits for it before it flips (IN_FENCE_FD). It stays the caller's. */
  readonly inFence?: SyncFile | undefined;
  /**
   * Is given a fence as soon as the flip is on its way, which is signaled when the picture is on
   * the screen (OUT_FENCE_PTR). It is the receiver's to close.
   */
  readonly outFence?: ((fence: SyncFile) => void) | undefined;
  /** Gives up waiting. A flip that is on its way is made all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** Checked options. */
export interface ShowRequest {
  readonly plane: number | undefined;
  readonly source: Rectangle;
  readonly destination: Rectangle;
  readonly damage: readonly Rectangle[];
  readonly inFence: SyncFile | undefined;
  readonly outFence: ((fence: SyncFile) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

export const SHOW = 'show the framebuffer';
const OPTIONS = ['plane', 'source', 'destination', 'damage', 'inFence', 'outFence', 'signal'] as const;

/** @throws {TypeError | RangeError} for an option that is none, or what lies outside */
export function readShowOptions(options: ShowOptions, frame: FrameLayout, mode: DisplayMode): ShowRequest {
  const plain = readOptions(options, SHOW, OPTIONS);
  const whole = { x: 0, y: 0, width: frame.width, height: frame.height };
  const source = plain.source === undefined ? whole : readRectangle(plain.source, 'source', whole);
  const screen = { x: 0, y: 0, width: mode.width, height: mode.height };
  const destination =
    plain.destination === undefined
      ? { ...source, x: 0, y: 0 }
      : readRectangle(plain.destination, 'destination', screen);
  return {
    plane: plain.plane === undefined ? undefined : checkInteger(plain.plane, { action: SHOW, name: 'plane', ...IDS }),
    source,
    destination,
    damage: plain.damage === undefined ? [] : readDamage(plain.damage, whole),
    inFence: plain.inFence === undefined ? undefined : checkFence(plain.inFence),
    outFence: plain.outFence === undefined ? undefined : checkReceiver(plain.outFence),
    signal: plain.signal,
  };
}

const IDS = { min: 1, max: UINT_MAX };

function readDamage(damage: unknown, whole: Rectangle): Rectangle[] {
  const argument = { action: SHOW, name: 'damage', countMax: DRM_MODE_FB_DIRTY_MAX_CLIPS };
  return readArray(damage, argument, (area, index) => readRectangle(area, `damage[${index}]`, whole));
}

/** An area that lies within `whole`. */
function readRectangle(area: unknown, name: string, whole: Rectangle): Rectangle {
  const plain = readOptions(area as Rectangle, SHOW, ['x', 'y', 'width', 'height'], name);
  const check = (key: keyof Rectangle, min: number, max: number): number =>
    checkInteger(plain[key], { action: SHOW, name: `${name}.${key}`, min, max, unit: 'pixels' });
  const read = {
    x: check('x', 0, whole.width - 1),
    y: check('y', 0, whole.height - 1),
    width: check('width', 1, whole.width),
    height: check('height', 1, whole.height),
  };
  if (read.x + read.width <= whole.width && read.y + read.height <= whole.height) return read;
  const must = `lie within ${whole.width}x${whole.height} pixels`;
  throw outOfRange({ action: SHOW, name }, { must, received: read });
}

function checkFence(fence: unknown): SyncFile {
  if (SyncFile.isSyncFile(fence)) return fence;
  throw wrongType({ action: SHOW, name: 'inFence' }, { must: 'be a SyncFile', received: fence });
}

function checkReceiver(receiver: unknown): (fence: SyncFile) => void {
  if (typeof receiver === 'function') return receiver as (fence: SyncFile) => void;
  throw wrongType({ action: SHOW, name: 'outFence' }, { must: 'be a function', received: receiver });
}
