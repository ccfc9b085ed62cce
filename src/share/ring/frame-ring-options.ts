import { wrongType } from '../../base/argument-error.ts';
import type { Argument } from '../../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../../base/check.ts';
import { WINDOW_BYTES_MAX } from '../../base/limits.ts';
import type { FrameDescription } from '../../picture/frame-description.ts';
import { lengthOfFrame } from '../../picture/frame-bytes.ts';
import type { PeerErrorListener } from './ring-peer-errors.ts';
import { RING_FRAME_COUNT_MAX, RING_METADATA_BYTES_MAX } from './ring-messages.ts';

/** Options of `createFrameRing`. */
export interface FrameRingOptions {
  /** Bytes per frame, up to 4 GiB. Default: the length of `layout`. */
  readonly frameLength?: number | undefined;
  /**
   * The picture in each frame, in one buffer: a result of `describeFrame`. Consumers find it in
   * their frames.
   */
  readonly layout?: FrameDescription | undefined;
  /**
   * How many frames, up to 64: one for the newest, `writableMax`, and the sum of the consumers'
   * `heldMax`. Additional frames are the distance by which a consumer that takes every frame may
   * fall behind.
   */
  readonly frameCount: number;
  /** Bytes of metadata per frame, up to 4096. Default: 64. */
  readonly metadataBytes?: number | undefined;
  /**
   * Whether consumers may write to the frames. `false`: their views are read-only, and a consumer
   * cannot change a byte through the frames' descriptors. Takes an embedded heap and Linux 5.1, as
   * `heap.allocate` with `shareable: 'read-only'` does. Default: true.
   */
  readonly consumersMayWrite?: boolean | undefined;
  /** How many frames may be acquired at the same time, such as for a camera's queue. Default: 1. */
  readonly writableMax?: number | undefined;
  /**
   * Called, with the error, about a peer that connected to `serve()` and did not become a consumer,
   * and about a consumer that was removed because it broke the protocol. `stats()` counts both. It
   * is never called within a call of the ring. Its own exceptions are only counted.
   */
  readonly onPeerError?: PeerErrorListener | undefined;
}

/** Checked options, with the defaults filled in. */
export type CheckedRing = Readonly<
  Record<Exclude<keyof FrameRingOptions, 'onPeerError' | 'consumersMayWrite' | 'layout'>, number>
> &
  Pick<FrameRingOptions, 'onPeerError'> & {
    readonly consumersMayWrite: boolean;
    readonly layout: FrameDescription | undefined;
  };

const ACTION = 'make a frame ring';
const FRAME_LENGTH: Argument = { action: ACTION, name: 'frameLength' };
const METADATA_BYTES_DEFAULT = 64;
/**
 * The newest frame, and one that a consumer holds: the minimum of every ring, besides the frames
 * being written.
 */
const FRAMES_BESIDES_WRITABLE_MIN = 2;

/** Each frame is one buffer, so that it takes one descriptor and one mapping per consumer. */
function checkFrame({ frameLength, layout }: FrameRingOptions): Pick<CheckedRing, 'frameLength' | 'layout'> {
  const length = layout === undefined ? frameLength : lengthOfFrame({ layout, length: frameLength }, FRAME_LENGTH);
  const range = { min: 1, max: WINDOW_BYTES_MAX, unit: 'bytes' };
  return { frameLength: checkInteger(length, { ...FRAME_LENGTH, ...range }), layout };
}

/** @throws {TypeError | RangeError} for an invalid option */
export function checkFrameRing(options: FrameRingOptions): CheckedRing {
  const plain = readOptions(options, ACTION, [
    'frameLength',
    'layout',
    'frameCount',
    'metadataBytes',
    'writableMax',
    'consumersMayWrite',
    'onPeerError',
  ]);
  const { metadataBytes = METADATA_BYTES_DEFAULT, writableMax = 1, consumersMayWrite = true, onPeerError } = plain;
  const action = ACTION;
  checkBoolean(consumersMayWrite, { action, name: 'consumersMayWrite' });
  const writable = { min: 1, max: RING_FRAME_COUNT_MAX - FRAMES_BESIDES_WRITABLE_MIN };
  checkInteger(writableMax, { action, name: 'writableMax', ...writable });
  if (onPeerError !== undefined && typeof onPeerError !== 'function')
    throw wrongType({ action, name: 'onPeerError' }, { must: 'be a function', received: onPeerError });
  const count = { min: writableMax + FRAMES_BESIDES_WRITABLE_MIN, max: RING_FRAME_COUNT_MAX };
  const metadata = { min: 0, max: RING_METADATA_BYTES_MAX, unit: 'bytes' };
  return {
    ...checkFrame(plain),
    frameCount: checkInteger(plain.frameCount, { action, name: 'frameCount', ...count }),
    metadataBytes: checkInteger(metadataBytes, { action, name: 'metadataBytes', ...metadata }),
    writableMax,
    consumersMayWrite,
    onPeerError,
  };
}
