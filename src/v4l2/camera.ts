import { inspect } from 'node:util';

import { checkBoolean, checkInteger, readOptions } from '../base/check.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { collector } from '../base/collector.ts';
import type { CollectionWatch } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import { UINT_MAX } from '../base/limits.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { readiness } from '../linux/calls/readiness.ts';
import { Machine } from '../linux/machine.ts';
import { readCameraOptions } from './camera-options.ts';
import type { CameraOptions, CheckedCamera } from './camera-options.ts';
import type { KnownDeviceInfo } from './device-info.ts';
import type { DeviceNode } from './device-nodes.ts';
import { querySourceTimings } from './dv-timings.ts';
import type { VideoTimings } from './dv-timings.ts';
import { findDevice } from './find-device.ts';
import { CameraFrames } from './camera-frames.ts';
import type { StreamCounts, StreamOptions } from './frame-stream.ts';
import type { FrameMemoryInfo } from './queue-memory.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';
import { VideoControls } from './video-controls.ts';
import type { VideoFormat } from './video-format.ts';

/** Options of {@link Camera.frames}. */
export interface FramesOptions {
  /** Ends it: what waits rejects with the abort reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How many frames may wait to be read; the oldest are dropped, and counted. 1: only the newest
   * is of interest. Default: as many as leave the driver two buffers.
   */
  readonly backlog?: number | undefined;
  /** Whether frames that the driver flags as damaged are left out. Default: false. */
  readonly skipDamaged?: boolean | undefined;
}

const NO_FRAMES: StreamCounts = Object.freeze({ deliveredCount: 0, droppedCount: 0, lostCount: 0, damagedCount: 0 });

/** An open camera: a device that gives frames. Close it when done. */
export class Camera {
  readonly #machine: Machine;
  readonly #options: CheckedCamera;
  readonly #controls: VideoControls;
  readonly #watch: CollectionWatch;
  #node: DeviceNode;
  /** Undefined once it is closed, and while an unplugged camera is waited for. */
  readonly #current: { session: Session | undefined };
  #last: Session;
  #frames: CameraFrames | undefined;
  #counts: StreamCounts = NO_FRAMES;
  #open = true;

  /** @internal */
  constructor(machine: Machine, node: DeviceNode, options: CheckedCamera) {
    this.#machine = machine;
    this.#node = node;
    this.#options = options;
    this.#last = this.#openSession();
    this.#current = { session: this.#last };
    this.#watch = collector.watch({ collect: closeCollected.bind(undefined, this.#current, node.path) });
    const pathNow = (): string => this.path;
    this.#controls = new VideoControls(machine, {
      get path() {
        return pathNow();
      },
      borrow: () => this.#session('use the controls of').device.fd.borrow(),
      close: () => {},
    });
  }

  /** Its node now: `/dev/video0`. */
  get path(): string {
    return this.#node.path;
  }

  /** What the device says of itself. */
  get device(): KnownDeviceInfo {
    return this.#last.device.info;
  }

  /** What its frames are. It changes where the source is followed. */
  get format(): VideoFormat {
    return this.#last.shape.format;
  }

  /** Whose memory its frames lie in, and why. */
  get memory(): FrameMemoryInfo {
    return this.#last.queue.memory.info;
  }

  /** Its buffers, in the order of their indexes: for each frame one, or one for each memory. */
  get buffers(): readonly (readonly DmaBuf[])[] {
    return this.#last.queue.memory.buffers;
  }

  /** Brightness, exposure, and whatever else the device has. */
  get controls(): VideoControls {
    return this.#controls;
  }

  /** Of all frames so far. */
  get counts(): StreamCounts {
    return sumOf(this.#counts, this.#frames?.counts ?? NO_FRAMES);
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Frames, as they come: streaming begins with the first that is asked for, and ends when the loop
   * is left, by whatever way. Close each frame, so that its buffer is filled again; those that are
   * still open are closed when the loop is left. A slow reader loses the oldest, and
   * `frame.droppedCount` counts them.
   *
   * Only one loop at a time; the next one begins where the first has ended.
   *
   * @throws {TypeError | RangeError} for an option that is none
   */
  frames(options: FramesOptions = {}): CameraFrames {
    const action = 'read frames';
    const plain = readOptions(options, action, ['signal', 'backlog', 'skipDamaged']);
    const streaming: StreamOptions = {
      signal: plain.signal,
      backlogMax: checkInteger(plain.backlog ?? UINT_MAX, { action, name: 'backlog', min: 1, max: UINT_MAX }),
      skipDamaged: checkBoolean(plain.skipDamaged ?? false, { action, name: 'skipDamaged' }),
    };
    return new CameraFrames(
      {
        machine: this.#machine,
        readiness,
        reconnects: this.#options.reconnects,
        followsSource: this.#options.followsSource,
        begin: (frames) => this.#begin(frames),
        end: (frames) => this.#endFrames(frames),
        reopen: (node) => this.#reopen(node),
        suspend: () => this.#suspend(),
        controls: this.#controls,
      },
      streaming,
    );
  }

  /**
   * What its input receives now: of HDMI inputs.
   *
   * @throws {DmaBufError} `ENOLINK` without a signal, `ENOLCK` with an unstable one, `ERANGE` with
   *   one that it cannot take, `ENOTTY` or `ENODATA` for an input without timings
   */
  sourceTimings(): VideoTimings {
    const { path } = this;
    const { fd } = this.#session('ask for the timings of').device;
    return querySourceTimings(this.#machine, fd.borrow(), { action: `ask ${path} for the timings of its input`, path });
  }

  /** Ends streaming; closes the device and its frames. The caller's buffers stay. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    collector.unwatch(this.#watch);
    const { session } = this.#current;
    this.#current.session = undefined;
    runAllSteps(
      [() => this.#frames?.stop(), () => VideoControls.endEvents(this.#controls), () => session?.close()],
      'The camera could not be closed',
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
    return `Camera { ${this.path}, ${fourcc} ${width}x${height}, ${this.buffers.length} buffers ${this.memory.kind}, ${state} }`;
  }

  #openSession(): Session {
    return openSession(this.#machine, this.#node, { ...this.#options, kind: 'capture' });
  }

  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED`; `ENODEV` while it is unplugged */
  #session(action: string): Session {
    const { session } = this.#current;
    if (session !== undefined) return session;
    if (!this.#open)
      throw new DmaBufError(`Cannot ${action} ${this.path} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
    throw new DmaBufError(`Cannot ${action} ${this.path} as it is unplugged`, { code: 'ENODEV' });
  }

  #begin(frames: CameraFrames): Session {
    const session = this.#session('read frames of');
    if (this.#frames !== undefined) {
      const message = `Cannot read frames of ${this.path} as another loop reads them: leave it first`;
      throw new DmaBufError(message, { code: 'EBUSY', values: { path: this.path } });
    }
    this.#frames = frames;
    return session;
  }

  #endFrames(frames: CameraFrames): void {
    if (this.#frames !== frames) return;
    this.#counts = this.counts;
    this.#frames = undefined;
  }

  /** Lets go of a device that is gone, or is to be set anew. */
  #suspend(): void {
    const { session } = this.#current;
    this.#current.session = undefined;
    VideoControls.endEvents(this.#controls);
    session?.close();
  }

  #reopen(node: DeviceNode): Session | undefined {
    if (!this.#open) return undefined;
    this.#node = node;
    this.#last = this.#openSession();
    this.#current.session = this.#last;
    return this.#last;
  }
}

function sumOf(one: StreamCounts, other: StreamCounts): StreamCounts {
  return Object.freeze({
    deliveredCount: one.deliveredCount + other.deliveredCount,
    droppedCount: one.droppedCount + other.droppedCount,
    lostCount: one.lostCount + other.lostCount,
    damagedCount: one.damagedCount + other.damagedCount,
  });
}

function closeCollected(current: { session: Session | undefined }, path: string): void {
  const { session } = current;
  current.session = undefined;
  if (session === undefined) return;
  session.close();
  process.emitWarning(`the camera ${path} was collected without having been closed`, {
    type: 'DmaBufWarning',
    code: 'DMABUF_UNCLOSED',
  });
}

/**
 * Opens a camera: negotiates its format, and gives it buffers of a heap, or exports its own.
 *
 * @param device a path, a stable path (`/dev/v4l/by-id/…`), a name or a bus, as `listCameras` gives
 * @throws {TypeError | RangeError} for an option that is none
 * @throws {DmaBufError} `ENODEV` where there is none of that name; `EINVAL` for what the driver
 *   would change, with what it would take; `EBUSY` while another program streams, with its name;
 *   `EOPNOTSUPP` for buffers of the caller's that the driver refuses; else as the kernel refuses
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { openCamera } from 'dmabuf/v4l2';
 *
 * try {
 *   const camera = openCamera('/dev/video99', { width: 640, height: 480, format: 'YUYV' });
 *   for await (const frame of camera.frames()) {
 *     frame.layout.accessSync('read', ([plane]) => plane?.row(0));
 *     frame.close();
 *   }
 * } catch (error) {
 *   console.log(isDmaBufError(error)); // true
 * }
 * ```
 */
export function openCamera(device: string, options?: CameraOptions): Camera;
/** @internal */
export function openCamera(device: string, options: CameraOptions, machine: Machine): Camera;
export function openCamera(device: string, options: CameraOptions = {}, hidden?: unknown): Camera {
  const machine = Machine.hiddenIn(hidden);
  const action = 'open the camera';
  const checked = readCameraOptions(options, action);
  return new Camera(machine, findDevice(machine, { device, action, kind: 'capture' }), checked);
}
