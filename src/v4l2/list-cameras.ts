import { isDmaBufError } from '../base/errors.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import { V4l2Calls } from '../linux/calls/v4l2-calls.ts';
import type { V4l2Connector } from '../linux/calls/v4l2-calls.ts';
import { V4l2ControlCalls } from '../linux/calls/v4l2-control-calls.ts';
import { V4l2FormatCalls } from '../linux/calls/v4l2-format-calls.ts';
import { V4l2QueueCalls } from '../linux/calls/v4l2-queue-calls.ts';
import { Machine } from '../linux/machine.ts';
import {
  V4L2_BUF_CAP_SUPPORTS_DMABUF,
  V4L2_BUF_CAP_SUPPORTS_MMAP,
  V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS,
  V4L2_BUF_CAP_SUPPORTS_REQUESTS,
  V4L2_BUF_CAP_SUPPORTS_USERPTR,
} from '../uapi/videodev2-buffers.ts';
import {
  V4L2_IN_CAP_DV_TIMINGS,
  V4L2_IN_ST_NO_POWER,
  V4L2_IN_ST_NO_SIGNAL,
  V4L2_IN_ST_NO_SYNC,
} from '../uapi/videodev2-device.ts';
import { listControls } from './control-list.ts';
import type { ControlDescription } from './control-list.ts';
import { describeFormats } from './describe-formats.ts';
import type { FormatDescription } from './describe-formats.ts';
import { inspectDevice, openDevice } from './device-info.ts';
import type { KnownDeviceInfo, VideoDeviceInfo } from './device-info.ts';
import { queueType } from './device-kind.ts';
import type { QueueDirection } from './device-kind.ts';
import { listDeviceNodes } from './device-nodes.ts';
import { findDevice } from './find-device.ts';
import { refusedOpening } from './refusals.ts';
import { videoFormatOf } from './video-format.ts';
import type { VideoFormat } from './video-format.ts';

/** What a queue of buffers can do. */
export interface QueueDescription {
  /** Whether frames come out of the device, or go in. */
  readonly direction: QueueDirection;
  /** Whether its buffers may have several memories, one for each plane. */
  readonly multiPlanar: boolean;
  /** Undefined where the driver does not tell, such as while another program streams. */
  readonly buffers:
    | {
        /** Whether it fills dma-bufs of others. A driver may refuse some all the same. */
        readonly importsDmaBufs: boolean;
        /** Whether it has memory of its own, which it can export as dma-bufs. */
        readonly ownMemory: boolean;
        /** Whether it takes memory of the process (`V4L2_MEMORY_USERPTR`). */
        readonly userPointers: boolean;
        /** Whether it has the request API. */
        readonly requests: boolean;
        /** Whether its own buffers may still be mapped when the queue gives them up. */
        readonly orphanedBuffers: boolean;
      }
    | undefined;
  /** What it is set to now. */
  readonly current: VideoFormat | undefined;
  /** Every format that its frames can have. */
  readonly formats: readonly FormatDescription[];
}

/** An input or an output that can be chosen. */
export interface ConnectorDescription {
  /** What the kernel calls it by, from 0. */
  readonly index: number;
  /** `Webcam 0`, `HDMI 000-0`. */
  readonly name: string;
  /** Whether it has power. True of an output. */
  readonly powered: boolean;
  /** Whether it receives a signal. True of an output. */
  readonly signal: boolean;
  /** Whether it is in step with its signal. True of an output. */
  readonly synchronized: boolean;
  /** Whether it has timings of digital video, as HDMI has. */
  readonly timings: boolean;
}

/** Everything that a device says of itself. */
export interface VideoDeviceDescription extends KnownDeviceInfo {
  /** One of a camera or an output, two of a converter. */
  readonly queues: readonly QueueDescription[];
  /** None where there is no choice. */
  readonly inputs: readonly ConnectorDescription[];
  /** Index; undefined where there is no choice. */
  readonly currentInput: number | undefined;
  /** None where there is no choice. */
  readonly outputs: readonly ConnectorDescription[];
  /** Index of the one that is chosen; undefined where there is no choice. */
  readonly currentOutput: number | undefined;
  /** Every control that is not disabled. */
  readonly controls: readonly ControlDescription[];
}

/**
 * Lists the machine's cameras: video devices that give frames, and those that cannot be opened,
 * with what would help. Opens each for a moment.
 *
 * @example
 * ```ts
 * import { listCameras } from 'dmabuf/v4l2';
 *
 * for (const camera of listCameras()) if (camera.refusal === undefined) camera.name.toUpperCase();
 * console.log(Array.isArray(listCameras())); // true
 * ```
 */
export function listCameras(): readonly VideoDeviceInfo[];
/** @internal */
export function listCameras(machine: Machine): readonly VideoDeviceInfo[];
export function listCameras(hidden?: unknown): readonly VideoDeviceInfo[] {
  const devices = inspectAll(Machine.hiddenIn(hidden));
  return Object.freeze(devices.filter(({ kind }) => kind === 'capture' || kind === 'unknown'));
}

/**
 * Lists every video device of the machine, also those that take frames, convert them, or give
 * metadata. Opens each for a moment.
 *
 * @example
 * ```ts
 * import { listVideoDevices } from 'dmabuf/v4l2';
 *
 * const converters = listVideoDevices().filter((device) => device.kind === 'converter');
 * console.log(converters.length >= 0); // true
 * ```
 */
export function listVideoDevices(): readonly VideoDeviceInfo[];
/** @internal */
export function listVideoDevices(machine: Machine): readonly VideoDeviceInfo[];
export function listVideoDevices(hidden?: unknown): readonly VideoDeviceInfo[] {
  return Object.freeze(inspectAll(Machine.hiddenIn(hidden)));
}

function inspectAll(machine: Machine): VideoDeviceInfo[] {
  return listDeviceNodes(machine).map((node) => inspectDevice(machine, node));
}

const DESCRIBE = 'describe the device';

/**
 * Describes a video device in full: formats, sizes, rates, inputs, controls, and what its queues
 * can do. Opens it for a moment, and changes nothing.
 *
 * @param device a path, a stable path (`/dev/v4l/by-id/…`), a name or a bus, as `listCameras` gives
 * @throws {TypeError} for what is no text
 * @throws {DmaBufError} `ENODEV` where there is none of that name, else as the kernel refuses to
 *   open it, with what would help
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { describeVideoDevice } from 'dmabuf/v4l2';
 *
 * try {
 *   describeVideoDevice('no such camera');
 * } catch (error) {
 *   console.log(isDmaBufError(error, 'ENODEV')); // true
 * }
 * ```
 */
export function describeVideoDevice(device: string): VideoDeviceDescription;
/** @internal */
export function describeVideoDevice(device: string, machine: Machine): VideoDeviceDescription;
export function describeVideoDevice(device: string, hidden?: unknown): VideoDeviceDescription {
  const machine = Machine.hiddenIn(hidden);
  const node = findDevice(machine, { device, action: DESCRIBE, kind: 'capture' });
  const { fd, info } = refusedOpening(machine, { path: node.path, action: DESCRIBE }, () => openDevice(machine, node));
  try {
    return describeOpen(machine, fd.borrow(), info);
  } finally {
    fd.close();
  }
}

function describeOpen({ raw }: Machine, fd: BorrowedFd, info: KnownDeviceInfo): VideoDeviceDescription {
  const calls = new V4l2Calls(raw);
  const controls = listControls(new V4l2ControlCalls(raw), fd);
  return Object.freeze({
    ...info,
    queues: Object.freeze(directionsOf(info).map((direction) => describeQueue({ raw, fd, info }, direction))),
    inputs: Object.freeze(calls.listInputs(fd).map(describeConnector)),
    currentInput: calls.currentInput(fd),
    outputs: Object.freeze(calls.listOutputs(fd).map(describeConnector)),
    currentOutput: calls.currentOutput(fd),
    controls: Object.freeze(controls.map(({ description }) => description)),
  });
}

function directionsOf({ kind }: KnownDeviceInfo): QueueDirection[] {
  if (kind === 'converter') return ['output', 'capture'];
  return kind === 'capture' || kind === 'output' ? [kind] : [];
}

function describeQueue(
  { raw, fd, info }: { raw: Machine['raw']; fd: BorrowedFd; info: KnownDeviceInfo },
  direction: QueueDirection,
): QueueDescription {
  const { multiPlanar } = info;
  const type = queueType(direction, multiPlanar);
  const formats = new V4l2FormatCalls(raw);
  return Object.freeze({
    direction,
    multiPlanar,
    buffers: describeBuffers(new V4l2QueueCalls(raw), fd, type),
    current: currentFormat(formats, fd, type),
    formats: Object.freeze(describeFormats(formats, fd, type)),
  });
}

/** A device may have no format yet: an HDMI input without timings, a decoder without a stream. */
function currentFormat(calls: V4l2FormatCalls, fd: BorrowedFd, type: number): VideoFormat | undefined {
  try {
    return videoFormatOf({ picture: calls.currentFormat(fd, type), interval: calls.frameInterval(fd, type) });
  } catch (error) {
    if (isDmaBufError(error, 'EINVAL') || isDmaBufError(error, 'ENODATA')) return undefined;
    throw error;
  }
}

/** Asked for no buffers, a queue of another's is busy, and stays as it is (vb2_ioctl_reqbufs). */
function describeBuffers(calls: V4l2QueueCalls, fd: BorrowedFd, type: number): QueueDescription['buffers'] {
  const capabilities = capabilitiesOf(calls, fd, type);
  // Before Linux 4.20 drivers said nothing.
  if (capabilities === undefined || capabilities === 0) return undefined;
  const has = (flag: number): boolean => (capabilities & flag) !== 0;
  return Object.freeze({
    importsDmaBufs: has(V4L2_BUF_CAP_SUPPORTS_DMABUF),
    ownMemory: has(V4L2_BUF_CAP_SUPPORTS_MMAP),
    userPointers: has(V4L2_BUF_CAP_SUPPORTS_USERPTR),
    requests: has(V4L2_BUF_CAP_SUPPORTS_REQUESTS),
    orphanedBuffers: has(V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS),
  });
}

function capabilitiesOf(calls: V4l2QueueCalls, fd: BorrowedFd, type: number): number | undefined {
  try {
    return calls.bufferCapabilities(fd, type, 'mmap') ?? calls.bufferCapabilities(fd, type, 'dmabuf');
  } catch (error) {
    if (isDmaBufError(error, 'EBUSY')) return undefined;
    throw error;
  }
}

function describeConnector({ index, name, status, capabilities }: V4l2Connector): ConnectorDescription {
  return Object.freeze({
    index,
    name,
    powered: (status & V4L2_IN_ST_NO_POWER) === 0,
    signal: (status & V4L2_IN_ST_NO_SIGNAL) === 0,
    synchronized: (status & V4L2_IN_ST_NO_SYNC) === 0,
    timings: (capabilities & V4L2_IN_CAP_DV_TIMINGS) !== 0,
  });
}
