import { inspect } from 'node:util';

import { isDmaBufError } from '../base/errors.ts';
import type { Readiness } from '../linux/calls/readiness.ts';
import type { Machine } from '../linux/machine.ts';
import type { CameraFrame } from './camera-frame.ts';
import type { DeviceEvents } from './device-events.ts';
import type { DeviceNode } from './device-nodes.ts';
import { FrameStream } from './frame-stream.ts';
import type { FrameReader, StreamCounts, StreamOptions } from './frame-stream.ts';
import type { Session } from './session.ts';
import type { VideoControls } from './video-controls.ts';
import { waitForDevice } from './wait-for-device.ts';
import { hasNoSignal, waitForSource } from './wait-for-source.ts';

/** The camera that is read. */
interface ReadCamera {
  readonly machine: Machine;
  readonly readiness: Pick<Readiness, 'watch'>;
  readonly reconnects: boolean;
  readonly followsSource: boolean;
  readonly controls: VideoControls;
  /** @throws {DmaBufError} `EBUSY` while another reads */
  begin(frames: CameraFrames): Session;
  end(frames: CameraFrames): void;
  /** Lets go of the device. */
  suspend(): void;
  /** Opens it again; undefined once the camera is closed. */
  reopen(node: DeviceNode): Session | undefined;
}

const END = { done: true, value: undefined } as const;

/** Frames of a camera, for `for await`. */
export class CameraFrames implements AsyncIterableIterator<CameraFrame, undefined> {
  readonly #camera: ReadCamera;
  readonly #options: StreamOptions;
  #session: Session | undefined;
  #stream: FrameStream | undefined;
  #sourceEvents: DeviceEvents | undefined;
  #sourceChanged = false;
  #earlier: StreamCounts | undefined;
  #ended = false;
  /** Aborts a wait for the device. */
  #giveUp: AbortController | undefined;
  /** While the device is opened anew: several may wait for it. */
  #goingOn: Promise<boolean> | undefined;

  /** @internal */
  constructor(camera: ReadCamera, options: StreamOptions) {
    this.#camera = camera;
    this.#options = options;
  }

  /** What was read so far, and what was missed. */
  get counts(): StreamCounts {
    const now = this.#stream?.counts ?? { deliveredCount: 0, droppedCount: 0, lostCount: 0, damagedCount: 0 };
    const earlier = this.#earlier;
    if (earlier === undefined) return now;
    return {
      deliveredCount: earlier.deliveredCount + now.deliveredCount,
      droppedCount: earlier.droppedCount + now.droppedCount,
      lostCount: earlier.lostCount + now.lostCount,
      damagedCount: earlier.damagedCount + now.damagedCount,
    };
  }

  /**
   * The next frame, as soon as there is one.
   *
   * @throws the abort reason when given up
   * @throws {DmaBufError} `ENODEV` when it is unplugged, `EIO` when its driver reports an error,
   *   `EPIPE` or `ENOLINK` where a pipeline is not set up, `ENOSPC` without USB bandwidth;
   *   streaming has ended
   */
  next(): Promise<IteratorResult<CameraFrame, undefined>> {
    if (this.#ended) return Promise.resolve(END);
    // One promise a frame: an async function would make three.
    return new Promise((resolve, reject) => {
      const stopAndReject = (error: unknown): void => reject(this.#stopAfter(error));
      const reader: FrameReader = {
        resolve: (frame) => {
          if (frame !== undefined) resolve({ done: false, value: frame });
          else resolve(this.return());
        },
        reject: (error) => {
          if (!this.#mayGoOn(error)) stopAndReject(error);
          else void this.#readOn(error, reader, stopAndReject);
        },
      };
      try {
        const stream = this.#stream ?? this.#start(this.#camera.begin(this));
        stream.read(reader);
      } catch (error) {
        stopAndReject(error);
      }
    });
  }

  /** Ends streaming. Its frames are closed. */
  async return(): Promise<IteratorResult<CameraFrame, undefined>> {
    this.stop();
    return END;
  }

  /** As {@link return}, at once. Idempotent. */
  stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#giveUp?.abort();
    try {
      this.#sourceEvents?.close();
      this.#stream?.stop();
    } finally {
      this.#camera.end(this);
    }
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** For `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `CameraFrames { ${this.counts.deliveredCount} delivered, ${this.#ended ? 'ended' : 'open'} }`;
  }

  #start(session: Session): FrameStream {
    const { queue, shape, device } = session;
    const { readiness } = this.#camera;
    const source = { queue, shape, fd: device.fd.borrow(), readiness, path: device.info.path };
    const stream = new FrameStream(source, this.#options);
    stream.start();
    this.#session = session;
    this.#stream = stream;
    if (this.#camera.followsSource) this.#followSource(stream);
    return stream;
  }

  #followSource(stream: FrameStream): void {
    const events = this.#camera.controls.events();
    this.#sourceEvents = events;
    void this.#endAtSourceChange(events, stream);
  }

  async #endAtSourceChange(events: DeviceEvents, stream: FrameStream): Promise<void> {
    try {
      for await (const event of events) {
        if (event.kind !== 'sourceChange' || !event.resolution) continue;
        this.#sourceChanged = true;
        stream.fail(new Error('The source has changed'));
        return;
      }
    } catch (error) {
      stream.fail(error);
    }
  }

  #mayGoOn(error: unknown): boolean {
    if (this.#ended || this.#session === undefined) return false;
    return this.#sourceChanged || (this.#camera.reconnects && isDmaBufError(error, 'ENODEV'));
  }

  async #readOn(error: unknown, reader: FrameReader, refuse: (error: unknown) => void): Promise<void> {
    try {
      this.#goingOn ??= this.#goOn(error);
      const isOpen = await this.#goingOn;
      if (isOpen && this.#stream !== undefined) this.#stream.read(reader);
      else reader.resolve(undefined);
    } catch (refusal) {
      if (this.#ended) reader.resolve(undefined);
      else refuse(refusal);
    } finally {
      this.#goingOn = undefined;
    }
  }

  /** What an end is told with, where stopping may fail too. */
  #stopAfter(error: unknown): unknown {
    try {
      this.stop();
      return error;
    } catch (stopError) {
      return new AggregateError([error, stopError], 'Reading frames and ending it both failed', { cause: error });
    }
  }

  /** Opens the device anew, as soon as it can be; false once the camera is closed. */
  async #goOn(error: unknown): Promise<boolean> {
    this.#giveUp = new AbortController();
    const signals = [this.#giveUp.signal, this.#options.signal].filter((each) => each !== undefined);
    const signal = AbortSignal.any(signals);
    const { info } = (this.#session as Session).device;
    this.#earlier = this.counts;
    this.#stream?.stop();
    this.#stream = undefined;
    const wasUnplugged = isDmaBufError(error, 'ENODEV');
    this.#sourceChanged = false;
    this.#camera.suspend();
    for (;;) {
      const node = wasUnplugged ? await waitForDevice(this.#camera.machine, info, signal) : info;
      if (this.#ended) return false;
      try {
        const session = this.#camera.reopen(node);
        if (session === undefined) return false;
        this.#start(session);
        return true;
      } catch (refusal) {
        // Unplugged again meanwhile; or a source that was switched off, and may come back.
        if (wasUnplugged && isDmaBufError(refusal, 'ENODEV')) continue;
        if (wasUnplugged || !hasNoSignal(refusal)) throw refusal;
        await waitForSource(this.#camera.machine, info, signal);
      }
    }
  }
}
