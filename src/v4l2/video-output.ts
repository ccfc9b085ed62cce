import { inspect } from 'node:util';

import { throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import { ChangeSignal } from '../base/change-signal.ts';
import { readOptions, readWaitOptions } from '../base/check.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { collector } from '../base/collector.ts';
import type { CollectionWatch } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { hasFailed } from '../linux/calls/epoll-calls.ts';
import { readiness } from '../linux/calls/readiness.ts';
import type { ReadinessWatch } from '../linux/calls/readiness.ts';
import { Machine } from '../linux/machine.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { STREAMING_OPTIONS, checkConnector, checkStreaming } from './camera-options.ts';
import type { CheckedStreaming, StreamingOptions } from './camera-options.ts';
import type { KnownDeviceInfo } from './device-info.ts';
import type { DeviceNode } from './device-nodes.ts';
import { findDevice } from './find-device.ts';
import type { FrameMemoryInfo } from './queue-memory.ts';
import { failedStream } from './refusals.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';
import { SUBMIT_OPTIONS, checkSubmission } from './submission.ts';
import type { SubmitOptions } from './submission.ts';
import { VideoControls } from './video-controls.ts';
import type { VideoFormat } from './video-format.ts';
import { watchUnclosed } from './watch-unclosed.ts';

/** Options of {@link openVideoOutput}. */
export interface VideoOutputOptions extends StreamingOptions {
  /** An output by its index or its name. Default: the one that is chosen. */
  readonly output?: number | string | undefined;
}

const SUBMIT = 'submit the frame';

/** What a frame tells its output. */
interface FrameTaker {
  submit(index: number, options: SubmitOptions): void;
  giveBack(index: number): void;
}

/** A buffer of an output, to be written and submitted. */
export class OutputFrame {
  /** Which buffer of the output, from 0. */
  readonly index: number;
  readonly #layout: FrameLayout;
  #output: FrameTaker | undefined;

  /** @internal */
  constructor(index: number, layout: FrameLayout, output: FrameTaker) {
    this.index = index;
    this.#layout = layout;
    this.#output = output;
  }

  /**
   * Where the picture is to be written.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once it was submitted or discarded
   */
  get layout(): FrameLayout {
    this.#owner();
    return this.#layout;
  }

  /**
   * Gives the frame to the device. It is none of the caller's from then on.
   *
   * @throws {TypeError | RangeError} for an option that is none
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once it was submitted or discarded; else as the
   *   driver refuses it, or to stream: then the device does not have it, and its buffer is free
   */
  submit(options: SubmitOptions = {}): void {
    const plain = readOptions(options, SUBMIT, SUBMIT_OPTIONS);
    const checked = checkSubmission(plain, this.#layout, SUBMIT);
    const output = this.#owner();
    this.#output = undefined;
    output.submit(this.index, checked);
  }

  /** Gives it back unused. Idempotent. */
  discard(): void {
    const output = this.#output;
    this.#output = undefined;
    output?.giveBack(this.index);
  }

  /** For `using`: discards what was not submitted. */
  [Symbol.dispose](): void {
    this.discard();
  }

  #owner(): FrameTaker {
    if (this.#output !== undefined) return this.#output;
    throw new DmaBufError('Cannot use the frame after it was submitted or discarded', { code: 'ERR_DMABUF_CLOSED' });
  }
}

/** An open output: a device that takes frames. Close it when done. */
export class VideoOutput {
  readonly #node: DeviceNode;
  readonly #session: Session;
  readonly #controls: VideoControls;
  readonly #collection: CollectionWatch;
  readonly #free: number[];
  readonly #changes = new ChangeSignal();
  #watch: ReadinessWatch | undefined;
  #failure: { readonly error: unknown } | undefined;
  #open = true;

  /** @internal */
  constructor(
    machine: Machine,
    node: DeviceNode,
    options: CheckedStreaming & { connector: number | string | undefined },
  ) {
    this.#node = node;
    this.#session = openSession(machine, node, { ...options, kind: 'output', takesTimings: false });
    this.#free = this.#session.shape.layouts.map((_layout, index) => index);
    this.#collection = watchUnclosed(this.#session, `output ${node.path}`);
    this.#controls = new VideoControls(machine, {
      path: node.path,
      borrow: () => {
        this.#checkOpen();
        return this.#session.device.fd.borrow();
      },
      close: () => {},
    });
  }

  /** Its node: `/dev/video1`. */
  get path(): string {
    return this.#node.path;
  }

  /** What the device says of itself. */
  get device(): KnownDeviceInfo {
    return this.#session.device.info;
  }

  /** What its frames are. */
  get format(): VideoFormat {
    return this.#session.shape.format;
  }

  /** Whose memory its frames lie in, and why. */
  get memory(): FrameMemoryInfo {
    return this.#session.queue.memory.info;
  }

  /** Its buffers, in the order of their indexes: for each frame one, or one for each memory. */
  get buffers(): readonly (readonly DmaBuf[])[] {
    return this.#session.queue.memory.buffers;
  }

  /** The controls of the device. */
  get controls(): VideoControls {
    return this.#controls;
  }

  /** How many buffers the device has now. */
  get queuedCount(): number {
    return this.#session.queue.queuedCount;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Takes a frame to be written.
   *
   * @throws {DmaBufError} `EAGAIN` while the device has all of them; `ENODEV`, `EIO`, … when its
   *   stream has failed
   */
  acquire(): OutputFrame {
    const frame = this.#take();
    if (frame !== undefined) return frame;
    const message = `Cannot take a frame of ${this.path} as the device has all of them: await acquireWhenFree()`;
    throw new DmaBufError(message, { code: 'EAGAIN', values: { path: this.path } });
  }

  /** Takes a frame as soon as the device has done with one. Rejects with the abort reason. */
  async acquireWhenFree(options: WaitOptions = {}): Promise<OutputFrame> {
    const { signal } = readWaitOptions(options, 'take a frame');
    for (;;) {
      throwIfAborted(signal);
      const frame = this.#take();
      if (frame !== undefined) return frame;
      await this.#changes.next(signal);
    }
  }

  /** Ends streaming, and closes the device. Buffers of the caller's stay. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    collector.unwatch(this.#collection);
    runAllSteps(
      [
        () => this.#watch?.close(),
        () => this.#changes.wakeAll(),
        () => VideoControls.endEvents(this.#controls),
        () => this.#session.close(),
      ],
      'The output could not be closed',
    );
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const { fourcc, width, height } = this.format;
    const state = this.#open ? 'open' : 'closed';
    return `VideoOutput { ${this.path}, ${fourcc} ${width}x${height}, ${this.buffers.length} buffers ${this.memory.kind}, ${state} }`;
  }

  /** Undefined where none is free. */
  #take(): OutputFrame | undefined {
    this.#checkOpen();
    if (this.#failure !== undefined) throw this.#failure.error;
    const index = this.#free.shift();
    if (index === undefined) return undefined;
    return new OutputFrame(index, this.#session.shape.layouts[index] as FrameLayout, {
      submit: (submitted, options) => this.#submit(submitted, options),
      giveBack: (given) => this.#giveBack(given),
    });
  }

  #submit(index: number, { bytesUsed, timestampNs = 0n }: SubmitOptions): void {
    const { queue, shape } = this.#session;
    try {
      this.#checkOpen();
      const used = bytesUsed ?? shape.format.memories.map(({ length }) => length);
      queue.queue(index, { bytesUsed: used, timestampNs });
      if (!queue.streaming) this.#start();
    } catch (error) {
      this.#giveBack(index);
      throw error;
    }
  }

  /** The device has the first frame. Where this throws, it has none. */
  #start(): void {
    const { queue, device } = this.#session;
    queue.start();
    try {
      this.#watch = readiness.watch(device.fd.borrow(), 'write', {
        ready: (events) => this.#onReady(events),
        failed: (error) => this.#fail(error),
      });
    } catch (error) {
      queue.stop();
      throw error;
    }
  }

  #onReady(events: number): void {
    try {
      const dequeued = this.#session.queue.dequeue();
      if (dequeued !== undefined && dequeued !== 'end') this.#giveBack(dequeued.index);
      else if (hasFailed(events)) this.#fail(failedStream(this.path));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#watch?.close();
    this.#changes.wakeAll();
  }

  #giveBack(index: number): void {
    this.#free.push(index);
    this.#changes.wakeAll();
  }

  #checkOpen(): void {
    if (this.#open) return;
    throw new DmaBufError(`Cannot use ${this.path} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

/**
 * Opens a video output, a device that takes frames: negotiates its format, and gives it buffers of
 * a heap, or exports its own. Streaming begins with the first frame that is submitted.
 *
 * @param device a path, a stable path, a name or a bus, as `listVideoDevices` gives
 * @throws {TypeError | RangeError} for an option that is none
 * @throws {DmaBufError} as `openCamera`
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { openVideoOutput } from 'dmabuf/v4l2';
 *
 * try {
 *   const output = openVideoOutput('/dev/video99', { width: 640, height: 480, format: 'YUYV' });
 *   const frame = await output.acquireWhenFree();
 *   frame.layout.accessSync('write', ([plane]) => plane?.bytes.fill(0x80));
 *   frame.submit();
 *   output.close();
 * } catch (error) {
 *   console.log(isDmaBufError(error)); // true
 * }
 * ```
 */
export function openVideoOutput(device: string, options?: VideoOutputOptions): VideoOutput;
/** @internal */
export function openVideoOutput(device: string, options: VideoOutputOptions, machine: Machine): VideoOutput;
export function openVideoOutput(device: string, options: VideoOutputOptions = {}, hidden?: unknown): VideoOutput {
  const machine = Machine.hiddenIn(hidden);
  const action = 'open the video output';
  const plain = readOptions(options, action, [...STREAMING_OPTIONS, 'output']);
  const checked = {
    ...checkStreaming(plain, action),
    connector: checkConnector(plain.output, { action, name: 'output' }),
  };
  return new VideoOutput(machine, findDevice(machine, { device, action, kind: 'output' }), checked);
}
