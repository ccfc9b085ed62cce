import { onAbort, throwIfAborted } from '../base/abort.ts';
import { ChangeSignal } from '../base/change-signal.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { collector } from '../base/collector.ts';
import type { CollectionWatch } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import { hasFailed } from '../linux/calls/epoll-calls.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { Readiness, ReadinessWatch } from '../linux/calls/readiness.ts';
import type { DequeuedBuffer } from '../linux/calls/v4l2-queue-calls.ts';
import { V4L2_BUF_FLAG_ERROR } from '../uapi/videodev2-buffers.ts';
import type { BufferQueue } from './buffer-queue.ts';
import { CameraFrame } from './camera-frame.ts';
import type { FrameBelonging, FrameShape } from './camera-frame.ts';
import { failedStream } from './refusals.ts';
import { SequenceCounter } from './sequence-counter.ts';

type StreamQueue = Pick<BufferQueue, 'dequeue' | 'isQueued' | 'queue' | 'start' | 'stop' | 'streaming'>;

/** What conversions run on. */
interface ConverterSource {
  /** V4L2's output queue. */
  readonly input: StreamQueue;
  /** V4L2's capture queue, all of whose buffers the driver has at first. */
  readonly output: StreamQueue;
  /** Of what comes out. */
  readonly shape: FrameShape;
  readonly fd: BorrowedFd;
  readonly readiness: Pick<Readiness, 'watch'>;
  /** `/dev/video0`. */
  readonly path: string;
  /** Of who holds the stream: a converter, and every frame that it has made. */
  readonly collection: CollectionWatch;
}

/** A picture that goes in. */
export interface ConversionRequest {
  /** Of the input's buffer. */
  readonly index: number;
  /** Of each of its memories. */
  readonly bytesUsed: readonly number[];
  /** Undefined for one of the stream's own. */
  readonly timestampNs: bigint | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A picture that the device has. */
interface Conversion {
  readonly index: number;
  readonly timestampNs: bigint;
  /** Whether the device has done with its input. */
  isRead: boolean;
  /** Runs while the device could not read the input, and may have made something all the same. */
  patience: NodeJS.Timeout | undefined;
  /** What it has made. */
  frame: CameraFrame | undefined;
  /** Undefined once nobody waits for it. */
  waiter: { readonly resolve: (frame: CameraFrame) => void; readonly reject: (error: unknown) => void } | undefined;
}

/**
 * A driver that gives back both buffers of a failed job does so at once (`v4l2_m2m_buf_done` in
 * drivers/media/v4l2-core/v4l2-mem2mem.c). Others, such as decoders, give back the input alone.
 */
const PATIENCE_MS = 100;

/** V4L2 counts µs. */
const NS_PER_MICROSECOND = 1000n;

/**
 * Conversions of a memory-to-memory device: which pictures it has, and who waits for what it makes
 * of them. A driver copies the timestamp of what goes in to what comes out, by which they are
 * matched; of one that does not, what comes out first belongs to what went in first.
 */
export class ConverterStream {
  readonly #source: ConverterSource;
  readonly #conversions = new Set<Conversion>();
  readonly #delivered = new Set<CameraFrame>();
  readonly #counter = new SequenceCounter();
  readonly #changes = new ChangeSignal();
  /** Of every frame. */
  readonly #belonging: FrameBelonging;
  #lastTimestampNs = 0n;
  #watch: ReadinessWatch | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: ConverterSource) {
    this.#source = source;
    this.#belonging = { shape: source.shape, owner: { giveBack: (frame) => this.#giveBack(frame) } };
  }

  /** Wakes when an input may be free, and when there will be none. */
  get changes(): ChangeSignal {
    return this.#changes;
  }

  /** How many pictures the device has, or has made and nobody was told of. */
  get inFlightCount(): number {
    return this.#conversions.size;
  }

  /** @throws what ended the stream */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * Gives the device a picture in a buffer that it does not have. Streaming begins with the first.
   *
   * @throws {DmaBufError} `EEXIST` for the timestamp of another one that it has; else as the driver
   *   refuses it, or what it does not convert
   */
  convert(request: ConversionRequest): Promise<CameraFrame> {
    const { index, bytesUsed, signal } = request;
    throwIfAborted(signal);
    this.check();
    const timestampNs = this.#timestampFor(request.timestampNs);
    this.#start();
    try {
      this.#source.input.queue(index, { bytesUsed, timestampNs });
    } catch (error) {
      this.#rest();
      throw error;
    }
    const nothing = { patience: undefined, frame: undefined, waiter: undefined };
    const conversion: Conversion = { index, timestampNs, isRead: false, ...nothing };
    this.#conversions.add(conversion);
    return this.#wait(conversion, signal);
  }

  /** Ends streaming, and closes every frame of it, also those that were delivered. Idempotent. */
  stop(): void {
    collector.unwatch(this.#source.collection);
    const message = `Cannot convert a picture by ${this.#source.path} after it was closed`;
    this.#fail(new DmaBufError(message, { code: 'ERR_DMABUF_CLOSED' }));
    runAllSteps(
      [
        // Before the frames are given back: none of them is queued then.
        () => this.#source.input.stop(),
        () => this.#source.output.stop(),
        () => {
          for (const frame of this.#delivered) frame.close();
        },
      ],
      'The conversions could not be stopped',
    );
  }

  #wait(conversion: Conversion, signal: AbortSignal | undefined): Promise<CameraFrame> {
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, (reason) => {
        conversion.waiter = undefined;
        reject(reason);
      });
      conversion.waiter = {
        resolve: (frame) => {
          stopListening();
          resolve(frame);
        },
        reject: (error) => {
          stopListening();
          reject(error);
        },
      };
    });
  }

  /** As the driver gives it back: in whole µs. */
  #timestampFor(timestampNs: bigint | undefined): bigint {
    const isTaken = (wanted: bigint): boolean =>
      [...this.#conversions].some((conversion) => conversion.timestampNs === wanted);
    if (timestampNs !== undefined) {
      const whole = timestampNs - (timestampNs % NS_PER_MICROSECOND);
      if (!isTaken(whole)) return whole;
      const { path } = this.#source;
      const message = `Cannot convert the picture by ${path} as it has another one of the timestamp ${whole} ns: let them differ by a µs`;
      throw new DmaBufError(message, { code: 'EEXIST', values: { path } });
    }
    do this.#lastTimestampNs += NS_PER_MICROSECOND;
    while (isTaken(this.#lastTimestampNs));
    return this.#lastTimestampNs;
  }

  /**
   * A device that has no buffer at all polls as failed (`v4l2_m2m_poll_for_data` in
   * drivers/media/v4l2-core/v4l2-mem2mem.c), so it is watched only while it has pictures.
   */
  #start(): void {
    const { input, output, fd, readiness } = this.#source;
    if (!input.streaming) input.start();
    if (!output.streaming) output.start();
    this.#watch ??= readiness.watch(fd, 'readOrWrite', {
      ready: (events) => this.#onReady(events),
      failed: (error) => this.#fail(error),
    });
  }

  #rest(): void {
    if (this.#conversions.size > 0) return;
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.close();
  }

  /** One of each queue at a turn: while there are more, the next turn tells. */
  #onReady(events: number): void {
    const { input, output, path } = this.#source;
    try {
      const read = input.dequeue();
      if (read !== undefined && read !== 'end') this.#onRead(read);
      const made = output.dequeue();
      if (made === 'end') this.#fail(endedStream(path));
      else if (made !== undefined) this.#onMade(made);
      else if (read === undefined && hasFailed(events)) this.#fail(failedStream(path));
    } catch (error) {
      this.#fail(error);
    }
  }

  #onRead({ index, flags }: DequeuedBuffer): void {
    const conversion = [...this.#conversions].find((each) => each.index === index && !each.isRead);
    if (conversion !== undefined) {
      conversion.isRead = true;
      this.#settle(conversion);
      if ((flags & V4L2_BUF_FLAG_ERROR) !== 0 && this.#conversions.has(conversion))
        conversion.patience = setTimeout(() => this.#giveUp(conversion), PATIENCE_MS);
    }
    this.#changes.wakeAll();
  }

  /** Nothing was made of a picture that the device could not read. The others go on. */
  #giveUp(conversion: Conversion): void {
    this.#conversions.delete(conversion);
    try {
      this.#rest();
    } finally {
      conversion.waiter?.reject(unreadPicture(this.#source.path, conversion.index));
    }
  }

  #onMade(dequeued: DequeuedBuffer): void {
    const { sequence } = this.#counter.count(dequeued.sequence);
    const frame = new CameraFrame(dequeued, sequence, this.#belonging);
    const unmade = [...this.#conversions].filter((each) => each.frame === undefined);
    const isOwn = ({ timestampNs }: Conversion): boolean =>
      frame.timestampClock !== 'copy' || timestampNs === frame.timestampNs;
    const conversion = unmade.find(isOwn);
    // Such as the second of a deinterlacer, which makes two of one.
    if (conversion === undefined) return frame.close();
    conversion.frame = frame;
    return this.#settle(conversion);
  }

  /** Once its input is free too: whoever waited may write there at once. */
  #settle(conversion: Conversion): void {
    const { frame, isRead, waiter } = conversion;
    if (frame === undefined || !isRead) return;
    clearTimeout(conversion.patience);
    this.#conversions.delete(conversion);
    this.#rest();
    if (waiter === undefined) return frame.close();
    this.#delivered.add(frame);
    return waiter.resolve(frame);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    const conversions = [...this.#conversions];
    this.#conversions.clear();
    try {
      this.#rest();
    } finally {
      for (const { patience, waiter } of conversions) {
        clearTimeout(patience);
        waiter?.reject(error);
      }
      this.#changes.wakeAll();
    }
  }

  /** What a driver refuses here ends the stream, and not the reader's `close()`. */
  #giveBack(frame: CameraFrame): void {
    this.#delivered.delete(frame);
    const { output } = this.#source;
    if (this.#failure !== undefined || !output.streaming) return;
    try {
      output.queue(frame.index);
    } catch (error) {
      this.#fail(error);
    }
  }
}

function unreadPicture(path: string, index: number): DmaBufError {
  const message = `Cannot convert the picture by ${path} as the device could not read it: it is damaged, or not of the input's format`;
  return new DmaBufError(message, { code: 'EIO', syscall: 'VIDIOC_DQBUF', values: { path, index } });
}

function endedStream(path: string): DmaBufError {
  const message = `Cannot convert pictures by ${path} as its driver has ended the stream: open it again`;
  return new DmaBufError(message, { code: 'EPIPE', syscall: 'VIDIOC_DQBUF', values: { path } });
}
