import { inspect } from 'node:util';

import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { DequeuedBuffer } from '../linux/calls/v4l2-queue-calls.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import {
  V4L2_BUF_FLAG_ERROR,
  V4L2_BUF_FLAG_KEYFRAME,
  V4L2_BUF_FLAG_TIMESTAMP_COPY,
  V4L2_BUF_FLAG_TIMESTAMP_MASK,
  V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
  V4L2_BUF_FLAG_TSTAMP_SRC_MASK,
  V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
} from '../uapi/videodev2-buffers.ts';
import { describeCompressed } from './video-format.ts';
import type { VideoFormat } from './video-format.ts';

/**
 * By which clock a frame was stamped. `monotonic`: CLOCK_MONOTONIC, as `process.hrtime.bigint()`
 * has it. `copy`: the time that the frame came in with, of a converter. `unknown`: the driver does
 * not say.
 */
export type TimestampClock = 'monotonic' | 'copy' | 'unknown';

/** Where frames of a stream lie, and what they are. */
export interface FrameShape {
  readonly format: VideoFormat;
  /** By the buffer's index. */
  readonly layouts: readonly FrameLayout[];
}

/** Whose a frame is. */
export interface FrameBelonging {
  readonly shape: FrameShape;
  readonly owner: { giveBack(frame: CameraFrame): void };
}

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MICROSECOND = 1000n;

/**
 * A frame of a camera, or what a converter has made. Its buffer is its own until it is closed; then
 * the device fills it again.
 */
export class CameraFrame {
  /** Which buffer of the device, from 0: the same buffer each time. */
  readonly index: number;
  /**
   * Counts the frames that the device has made. It goes on where the kernel's own 32 bits begin
   * anew.
   */
  readonly sequence: number;
  /** How many bytes of each of its memories the driver has filled. */
  readonly bytesUsed: readonly number[];
  /** `V4L2_FIELD_*`: 1 for a whole frame, others for an interlaced one. */
  readonly field: number;
  readonly #flags: number;
  readonly #seconds: number;
  readonly #microseconds: number;
  readonly #shape: FrameShape;
  #droppedCount = 0;
  #owner: FrameBelonging['owner'] | undefined;
  #layout: FrameLayout | undefined;

  /** @internal */
  constructor(dequeued: DequeuedBuffer, sequence: number, { shape, owner }: FrameBelonging) {
    this.index = dequeued.index;
    this.sequence = sequence;
    this.bytesUsed = shape.format.memories.map((_memory, plane) => dequeued.bytesUsed(plane));
    this.field = dequeued.field;
    this.#flags = dequeued.flags;
    this.#seconds = dequeued.timestampSeconds;
    this.#microseconds = dequeued.timestampMicroseconds;
    this.#shape = shape;
    this.#owner = owner;
  }

  /**
   * The picture in its buffers: size, format, and where its planes lie, by the driver's strides. Of
   * a compressed one, as many bytes as the driver has filled.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()`: the buffer may hold another frame
   */
  get layout(): FrameLayout {
    if (this.#owner === undefined)
      throw new DmaBufError(`Cannot use frame ${this.sequence} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
    this.#layout ??= this.#makeLayout();
    return this.#layout;
  }

  /**
   * The first of its buffers, which for most formats is the only one.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()`
   */
  get buffer(): DmaBuf {
    return this.layout.buffers[0] as DmaBuf;
  }

  /** What the device was set to when it made the frame. */
  get format(): VideoFormat {
    return this.#shape.format;
  }

  /** Frames between the one delivered before and this one: lost by the driver, or dropped here. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** When it was taken, in ns, by {@link timestampClock}. */
  get timestampNs(): bigint {
    return BigInt(this.#seconds) * NS_PER_SECOND + BigInt(this.#microseconds) * NS_PER_MICROSECOND;
  }

  /** The clock of {@link timestampNs}. */
  get timestampClock(): TimestampClock {
    const clock = this.#flags & V4L2_BUF_FLAG_TIMESTAMP_MASK;
    if (clock === V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) return 'monotonic';
    return clock === V4L2_BUF_FLAG_TIMESTAMP_COPY ? 'copy' : 'unknown';
  }

  /** What {@link timestampNs} is the time of. */
  get timestampOf(): 'endOfFrame' | 'startOfExposure' {
    const isStart = (this.#flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK) === V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
    return isStart ? 'startOfExposure' : 'endOfFrame';
  }

  /** Whether the driver says that the picture may be damaged. Streaming goes on. */
  get damaged(): boolean {
    return (this.#flags & V4L2_BUF_FLAG_ERROR) !== 0;
  }

  /** Whether the driver has filled less than the picture takes: never of a compressed one. */
  get short(): boolean {
    const { compressed } = this.#shape.format;
    const { bufferLengths } = (this.#shape.layouts[this.index] as FrameLayout).description;
    return !compressed && this.bytesUsed.some((bytes, memory) => bytes < (bufferLengths[memory] ?? 0));
  }

  /** Of a compressed stream: whether it can be decoded without the frames before it. */
  get keyFrame(): boolean {
    return (this.#flags & V4L2_BUF_FLAG_KEYFRAME) !== 0;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#owner === undefined;
  }

  /** Gives the buffer back to the device, which fills it again. Idempotent. */
  close(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.giveBack(this);
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether a value is a frame, regardless of its class. @internal */
  static isFrame(value: unknown): value is CameraFrame {
    return typeof value === 'object' && value !== null && #flags in value;
  }

  /** Told when it is delivered. @internal */
  static setDropped(frame: CameraFrame, count: number): void {
    frame.#droppedCount = count;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const { fourcc, width, height } = this.#shape.format;
    const state = `${this.damaged ? ', damaged' : ''}${this.closed ? ', closed' : ''}`;
    return `CameraFrame { ${this.sequence}, ${fourcc} ${width}x${height}, ${this.bytesUsed.join(' + ')} bytes${state} }`;
  }

  #makeLayout(): FrameLayout {
    const { format, layouts } = this.#shape;
    const layout = layouts[this.index] as FrameLayout;
    const [bytes = 0] = this.bytesUsed;
    if (!format.compressed || bytes === 0) return layout;
    return new FrameLayout(describeCompressed(format, bytes), layout.buffers);
  }
}
