import { checkInteger, checkOptions } from '../base/check.ts';
import { WINDOW_BYTES_MAX } from '../base/limits.ts';
import { RING_FRAME_COUNT_MAX, RING_METADATA_BYTES_MAX } from './ring-messages.ts';

/** Options of `createFrameRing`. */
export interface FrameRingOptions {
  /** Bytes a frame, up to 4 GiB. */
  readonly frameLength: number;
  /**
   * How many frames, up to 64: one for the newest, `writableMax`, and what the consumers may hold together. Those beyond are how far a
   * consumer that takes every frame may fall behind.
   */
  readonly frameCount: number;
  /** Bytes that may be said about each frame, up to 4096. Default: 64. */
  readonly metadataBytes?: number | undefined;
  /** How many frames may be acquired at a time, such as for a camera's queue. Default: 1. */
  readonly writableMax?: number | undefined;
}

/** Options that were checked, with the defaults filled in. */
export type CheckedRing = Readonly<Record<keyof FrameRingOptions, number>>;

const METADATA_BYTES_DEFAULT = 64;
/** The newest, and one that a consumer holds: what no ring can do without, besides those that are being written. */
const FRAMES_BESIDES_WRITABLE_MIN = 2;

/** @throws {TypeError | RangeError} for an option that is none */
export function checkFrameRing(options: FrameRingOptions): CheckedRing {
  const what = 'make a frame ring by its';
  checkOptions(options, 'make a frame ring', ['frameLength', 'frameCount', 'metadataBytes', 'writableMax']);
  const { metadataBytes = METADATA_BYTES_DEFAULT, writableMax = 1 } = options;
  const writable = { min: 1, max: RING_FRAME_COUNT_MAX - FRAMES_BESIDES_WRITABLE_MIN };
  checkInteger(writableMax, `${what} writableMax`, writable);
  const count = { min: writableMax + FRAMES_BESIDES_WRITABLE_MIN, max: RING_FRAME_COUNT_MAX };
  return {
    frameLength: checkInteger(options.frameLength, `${what} frameLength`, { min: 1, max: WINDOW_BYTES_MAX }),
    frameCount: checkInteger(options.frameCount, `${what} frameCount`, count),
    metadataBytes: checkInteger(metadataBytes, `${what} metadataBytes`, { min: 0, max: RING_METADATA_BYTES_MAX }),
    writableMax,
  };
}
