import { inspect } from 'node:util';

import { throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import { readWaitOptions } from '../base/check.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { readiness } from '../linux/calls/readiness.ts';
import { Machine } from '../linux/machine.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { CameraFrame } from './camera-frame.ts';
import { CONVERT, ConverterInput, readConvertOptions } from './converter-input.ts';
import type { ConvertOptions } from './converter-input.ts';
import { readConverterOptions } from './converter-options.ts';
import type { VideoConverterOptions } from './converter-options.ts';
import { openConverterSession } from './converter-session.ts';
import type { ConverterRequest, ConverterSession } from './converter-session.ts';
import { ConverterStream } from './converter-stream.ts';
import type { KnownDeviceInfo } from './device-info.ts';
import type { DeviceNode } from './device-nodes.ts';
import { findDevice } from './find-device.ts';
import { findInput } from './find-input.ts';
import type { FrameMemoryInfo } from './queue-memory.ts';
import type { SessionQueue } from './session-queue.ts';
import { checkSubmission } from './submission.ts';
import { VideoControls } from './video-controls.ts';
import type { VideoFormat } from './video-format.ts';
import { watchUnclosed } from './watch-unclosed.ts';

/** What goes into a converter, or what comes out of it. */
export interface ConverterSide {
  /** What its pictures are. */
  readonly format: VideoFormat;
  /** Whose memory they lie in, and why. */
  readonly memory: FrameMemoryInfo;
  /** Its buffers, in the order of their indexes: for each picture one, or one for each memory. */
  readonly buffers: readonly (readonly DmaBuf[])[];
}

/** An open converter: a memory-to-memory device. Close it when done. */
export class VideoConverter {
  readonly #node: DeviceNode;
  readonly #session: ConverterSession;
  readonly #stream: ConverterStream;
  readonly #controls: VideoControls;
  readonly #input: ConverterSide;
  readonly #output: ConverterSide;
  /** Inputs that somebody writes. */
  readonly #taken = new Set<number>();
  #open = true;

  /** @internal */
  constructor(machine: Machine, node: DeviceNode, request: ConverterRequest) {
    this.#node = node;
    this.#session = openConverterSession(machine, node, request);
    const { device, input, output } = this.#session;
    this.#input = sideOf(input);
    this.#output = sideOf(output);
    this.#stream = new ConverterStream({
      input: input.queue,
      output: output.queue,
      shape: output.shape,
      fd: device.fd.borrow(),
      readiness,
      path: node.path,
      collection: watchUnclosed(this.#session, `converter ${node.path}`),
    });
    this.#controls = new VideoControls(machine, {
      path: node.path,
      borrow: () => {
        this.#checkOpen();
        return device.fd.borrow();
      },
      close: () => {},
    });
  }

  /** Its node: `/dev/video10`. */
  get path(): string {
    return this.#node.path;
  }

  /** What the device says of itself. */
  get device(): KnownDeviceInfo {
    return this.#session.device.info;
  }

  /** What goes in. V4L2 calls it the output queue, of what a program puts out. */
  get input(): ConverterSide {
    return this.#input;
  }

  /** What comes out. V4L2 calls it the capture queue, of what a program takes in. */
  get output(): ConverterSide {
    return this.#output;
  }

  /**
   * The controls of this opening of the device: what it turns, how well it compresses. Another one
   * that is open has its own.
   */
  get controls(): VideoControls {
    return this.#controls;
  }

  /** How many pictures are being converted. */
  get inFlightCount(): number {
    return this.#stream.inFlightCount;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Takes an input to be written.
   *
   * @throws {DmaBufError} `EAGAIN` while all are being written or converted; `ENODEV`, `EIO`, …
   *   when the device has failed
   */
  acquire(): ConverterInput {
    const input = this.#take();
    if (input !== undefined) return input;
    const message = `Cannot take an input of ${this.path} as all are being written or converted: await acquireWhenFree()`;
    throw new DmaBufError(message, { code: 'EAGAIN', values: { path: this.path } });
  }

  /** Takes an input as soon as one is free. Rejects with the abort reason. */
  async acquireWhenFree(options: WaitOptions = {}): Promise<ConverterInput> {
    const { signal } = readWaitOptions(options, 'take an input');
    for (;;) {
      throwIfAborted(signal);
      const input = this.#take();
      if (input !== undefined) return input;
      await this.#stream.changes.next(signal);
    }
  }

  /**
   * Converts a picture that lies in a buffer of the input, without a copy: a frame of a camera
   * whose buffers the converter was opened with, or a layout over any buffers that it was given.
   *
   * Several may be under way: each resolves with what was made of its own picture. Then the device
   * has done with the picture's buffer. Close what it resolves with, so that its buffer is filled
   * again: while all are open, conversions wait. `damaged` tells of one that the device could not
   * make well.
   *
   * An abort gives up waiting, while the device goes on: the picture's buffer is free no earlier.
   *
   * @returns what was made of it, with the picture's timestamp
   * @throws {TypeError | RangeError} for a picture that lies elsewhere, or is laid out otherwise;
   *   for an option that is none
   * @throws {DmaBufError} `EBUSY` while the picture's buffer is being written or converted;
   *   `EEXIST` for the timestamp of a picture that the device has; `ENODEV` once it was unplugged,
   *   `EIO` for a picture that the device could not read, and for an error of its driver;
   *   `ERR_DMABUF_CLOSED` when it was closed
   */
  async convert(picture: FrameLayout | CameraFrame, options: ConvertOptions = {}): Promise<CameraFrame> {
    const plain = readConvertOptions(options);
    const found = findInput(picture, this.#session.input.shape);
    const checked = checkSubmission(plain, found.layout, CONVERT);
    this.#checkFree(found.index);
    return await this.#convert(found.index, {
      bytesUsed: checked.bytesUsed ?? found.bytesUsed,
      timestampNs: checked.timestampNs ?? found.timestampNs,
      signal: plain.signal,
    });
  }

  /**
   * Ends streaming, and closes the device, and what it has made. What is under way rejects. Buffers
   * of the caller's stay. Idempotent.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    runAllSteps(
      [() => this.#stream.stop(), () => VideoControls.endEvents(this.#controls), () => this.#session.close()],
      'The converter could not be closed',
    );
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const state = this.#open ? 'open' : 'closed';
    return `VideoConverter { ${this.path}, ${labelOfSide(this.#input)} to ${labelOfSide(this.#output)}, ${state} }`;
  }

  /** Undefined where none is free. */
  #take(): ConverterInput | undefined {
    this.#checkOpen();
    this.#stream.check();
    const { layouts } = this.#session.input.shape;
    const index = layouts.findIndex((_layout, each) => this.#isFree(each));
    if (index === -1) return undefined;
    this.#taken.add(index);
    return new ConverterInput(index, layouts[index] as FrameLayout, {
      convert: (given, options) => {
        this.#giveBack(given);
        return this.#convert(given, options);
      },
      giveBack: (given) => this.#giveBack(given),
    });
  }

  #convert(index: number, { bytesUsed, timestampNs, signal }: ConvertOptions): Promise<CameraFrame> {
    this.#checkOpen();
    const all = this.#input.format.memories.map(({ length }) => length);
    return this.#stream.convert({ index, bytesUsed: bytesUsed ?? all, timestampNs, signal });
  }

  #isFree(index: number): boolean {
    return !this.#taken.has(index) && !this.#session.input.queue.isQueued(index);
  }

  #giveBack(index: number): void {
    this.#taken.delete(index);
    this.#stream.changes.wakeAll();
  }

  #checkFree(index: number): void {
    this.#checkOpen();
    if (this.#isFree(index)) return;
    const message = `Cannot convert the picture by ${this.path} as its buffer is being written or converted`;
    throw new DmaBufError(message, { code: 'EBUSY', values: { path: this.path, index } });
  }

  #checkOpen(): void {
    if (this.#open) return;
    throw new DmaBufError(`Cannot use ${this.path} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

function sideOf({ shape, queue }: SessionQueue): ConverterSide {
  return Object.freeze({ format: shape.format, memory: queue.memory.info, buffers: queue.memory.buffers });
}

function labelOfSide({ format, memory, buffers }: ConverterSide): string {
  return `${format.fourcc} ${format.width}x${format.height} (${buffers.length} buffers ${memory.kind})`;
}

/**
 * Opens a memory-to-memory device (V4L2 M2M): a scaler, a converter of formats, or a JPEG encoder
 * or decoder, that makes one picture of another. It has two queues, named here as the device sees
 * them: pictures go in by `input` and come out by `output`. V4L2 names them as a program sees them,
 * and so the other way around: OUTPUT takes pictures, and CAPTURE gives them.
 *
 * Negotiates both formats, and gives both queues buffers of a heap, or exports the driver's own.
 * Streaming begins with the first picture.
 *
 * @param device a path, a stable path, a name or a bus, as `listVideoDevices` gives
 * @throws {TypeError | RangeError} for an option that is none
 * @throws {DmaBufError} `ENOTTY` for a device that is no such converter; else as `openCamera`
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { openVideoConverter } from 'dmabuf/v4l2';
 *
 * try {
 *   const converter = openVideoConverter('/dev/video99', {
 *     input: { width: 640, height: 480, format: 'RGB565' },
 *     output: { width: 320, height: 240, format: 'YUYV' },
 *   });
 *   const input = await converter.acquireWhenFree();
 *   input.layout.accessSync('write', ([plane]) => plane?.bytes.fill(0x80));
 *   const made = await input.convert();
 *   made.layout.accessSync('read', ([plane]) => plane?.row(0));
 *   made.close();
 *   converter.close();
 * } catch (error) {
 *   console.log(isDmaBufError(error)); // true
 * }
 * ```
 */
export function openVideoConverter(device: string, options?: VideoConverterOptions): VideoConverter;
/** @internal */
export function openVideoConverter(device: string, options: VideoConverterOptions, machine: Machine): VideoConverter;
export function openVideoConverter(
  device: string,
  options: VideoConverterOptions = {},
  hidden?: unknown,
): VideoConverter {
  const machine = Machine.hiddenIn(hidden);
  const action = 'open the video converter';
  const request = readConverterOptions(options, action);
  return new VideoConverter(machine, findDevice(machine, { device, action, kind: 'converter' }), request);
}
