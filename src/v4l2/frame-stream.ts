import { onAbort, throwIfAborted } from '../base/abort.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { hasFailed } from '../linux/calls/epoll-calls.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { Readiness, ReadinessWatch } from '../linux/calls/readiness.ts';
import type { BufferQueue } from './buffer-queue.ts';
import { CameraFrame } from './camera-frame.ts';
import type { FrameBelonging, FrameShape } from './camera-frame.ts';
import { FrameBacklog } from './frame-backlog.ts';
import { SequenceCounter } from './sequence-counter.ts';

/** What a stream of frames is over. */
interface StreamSource {
  readonly queue: BufferQueue;
  readonly fd: BorrowedFd;
  readonly shape: FrameShape;
  readonly readiness: Pick<Readiness, 'watch'>;
  /** `/dev/video0`. */
  readonly path: string;
}

/** How a stream is read. */
export interface StreamOptions {
  /** How many frames may wait to be read. */
  readonly backlogMax: number;
  readonly skipDamaged: boolean;
  readonly signal: AbortSignal | undefined;
}

/** What a stream has seen. */
export interface StreamCounts {
  /** Frames that were read. */
  readonly deliveredCount: number;
  /** Frames dropped here, for a reader that was too slow. */
  readonly droppedCount: number;
  /** Frames that the driver has lost, as its sequence tells. */
  readonly lostCount: number;
  /** Frames that the driver has flagged as damaged. */
  readonly damagedCount: number;
}

/** Who waits for a frame. One of its functions is called, once. */
export interface FrameReader {
  /** Undefined at the end. */
  readonly resolve: (frame: CameraFrame | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Frames of a queue while it streams. It takes them from the driver as they come, whether they are
 * read or not: what a driver holds back it cannot fill again.
 */
export class FrameStream {
  readonly #source: StreamSource;
  readonly #options: StreamOptions;
  readonly #backlog: FrameBacklog<CameraFrame>;
  readonly #counter = new SequenceCounter();
  readonly #delivered = new Set<CameraFrame>();
  readonly #readers: FrameReader[] = [];
  /** Of every frame. */
  readonly #belonging: FrameBelonging;
  #watch: ReadinessWatch | undefined;
  #stopListening: () => void = () => {};
  #lastSequence: number | undefined;
  #deliveredCount = 0;
  #lostCount = 0;
  #damagedCount = 0;
  /** Why there are no more frames: an error, or the end. */
  #end: { readonly error: unknown } | 'end' | undefined;

  constructor(source: StreamSource, options: StreamOptions) {
    this.#source = source;
    this.#options = options;
    this.#belonging = { shape: source.shape, owner: { giveBack: (frame) => this.#giveBack(frame) } };
    this.#backlog = new FrameBacklog(options.backlogMax, {
      queuedCount: () => source.queue.queuedCount,
      drop: (frame) => frame.close(),
    });
  }

  get counts(): StreamCounts {
    return {
      deliveredCount: this.#deliveredCount,
      droppedCount: this.#backlog.droppedCount,
      lostCount: this.#lostCount,
      damagedCount: this.#damagedCount,
    };
  }

  /** @throws {DmaBufError} as the driver refuses to stream */
  start(): void {
    const { queue, fd, readiness } = this.#source;
    throwIfAborted(this.#options.signal);
    for (let index = 0; index < queue.bufferCount; index += 1) if (!queue.isQueued(index)) queue.queue(index);
    queue.start();
    try {
      this.#watch = readiness.watch(fd, 'read', {
        ready: (events) => this.#onReady(events),
        failed: (error) => this.fail(error),
      });
      this.#stopListening = onAbort(this.#options.signal, (reason) => this.fail(reason));
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Gives the next frame to `reader`, now or as soon as there is one. */
  read(reader: FrameReader): void {
    const frame = this.#backlog.take();
    if (frame !== undefined) reader.resolve(this.#deliver(frame));
    else if (this.#end === 'end') reader.resolve(undefined);
    else if (this.#end !== undefined) reader.reject(this.#end.error);
    else this.#readers.push(reader);
  }

  /** Ends the stream with an error: what came before it can be read still. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#finish({ error });
  }

  /** Ends streaming, and closes every frame of it, also those that were read. Idempotent. */
  stop(): void {
    if (this.#end === undefined) this.#finish('end');
    runAllSteps(
      [
        // Before the frames are given back: none of them is queued then.
        () => this.#source.queue.stop(),
        () => {
          for (const frame of [...this.#backlog.clear(), ...this.#delivered]) frame.close();
        },
      ],
      'The stream could not be stopped',
    );
  }

  #finish(end: { readonly error: unknown } | 'end'): void {
    this.#end = end;
    this.#stopListening();
    this.#watch?.close();
    for (const { resolve, reject } of this.#readers.splice(0)) {
      if (end === 'end') resolve(undefined);
      else reject(end.error);
    }
  }

  /** One at a turn: while there are more, the next turn tells. */
  #onReady(events: number): void {
    try {
      const dequeued = this.#source.queue.dequeue();
      if (dequeued === 'end') this.#finish('end');
      else if (dequeued !== undefined)
        this.#onFrame(new CameraFrame(dequeued, this.#count(dequeued.sequence), this.#belonging));
      else if (hasFailed(events)) this.fail(this.#streamError());
    } catch (error) {
      this.fail(error);
    }
  }

  #count(raw: number): number {
    const { sequence, lostCount } = this.#counter.count(raw);
    this.#lostCount += lostCount;
    return sequence;
  }

  #onFrame(frame: CameraFrame): void {
    if (frame.damaged) {
      this.#damagedCount += 1;
      if (this.#options.skipDamaged) return frame.close();
    }
    const reader = this.#readers.shift();
    if (reader === undefined) this.#backlog.add(frame);
    else reader.resolve(this.#deliver(frame));
    return undefined;
  }

  #deliver(frame: CameraFrame): CameraFrame {
    if (this.#lastSequence !== undefined) CameraFrame.setDropped(frame, frame.sequence - this.#lastSequence - 1);
    this.#lastSequence = frame.sequence;
    this.#deliveredCount += 1;
    this.#delivered.add(frame);
    return frame;
  }

  /** What a driver refuses here ends the stream, and not the reader's `close()`. */
  #giveBack(frame: CameraFrame): void {
    this.#delivered.delete(frame);
    const { queue } = this.#source;
    if (!queue.streaming) return;
    try {
      queue.queue(frame.index);
    } catch (error) {
      this.fail(error);
    }
  }

  #streamError(): DmaBufError {
    const message = `Cannot stream ${this.#source.path} as its driver reports an error and has no frame: open it again; dmesg may say why`;
    return new DmaBufError(message, { code: 'EIO', syscall: 'poll', values: { path: this.#source.path } });
  }
}
