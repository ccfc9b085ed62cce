import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { V4l2Calls } from '../linux/calls/v4l2-calls.ts';
import { V4l2FormatCalls } from '../linux/calls/v4l2-format-calls.ts';
import { V4l2QueueCalls } from '../linux/calls/v4l2-queue-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { BufferQueue } from './buffer-queue.ts';
import type { FrameShape } from './camera-frame.ts';
import { chooseConnector } from './choose-connector.ts';
import { openDevice } from './device-info.ts';
import type { OpenDevice } from './device-info.ts';
import { queueType } from './device-kind.ts';
import type { DeviceKind, QueueDirection } from './device-kind.ts';
import type { DeviceNode } from './device-nodes.ts';
import { takeSourceTimings } from './dv-timings.ts';
import { negotiateFormat } from './negotiate-format.ts';
import type { FormatWishes } from './negotiate-format.ts';
import type { BufferSource } from './queue-memory.ts';
import { refusedOpening, withRefusals } from './refusals.ts';
import { describeVideoFrame } from './video-format.ts';

/** What a device is to be set to, and what its buffers are. */
interface SessionRequest {
  readonly kind: DeviceKind & QueueDirection;
  readonly wishes: FormatWishes;
  readonly source: BufferSource;
  /** An input's or an output's index or name; undefined for the one that is chosen. */
  readonly connector: number | string | undefined;
  /** Whether to take the timings of what an input receives. */
  readonly takesTimings: boolean;
}

/** A device that is open, with its format and its buffers. */
export interface Session {
  readonly device: OpenDevice;
  readonly shape: FrameShape;
  readonly queue: BufferQueue;
  /** Idempotent. */
  close(): void;
}

/**
 * Opens a device, sets it, and gives it its buffers.
 *
 * @throws {DmaBufError} as the device refuses one of it; then nothing of it is left
 */
export function openSession(machine: Machine, node: DeviceNode, request: SessionRequest): Session {
  const { kind } = request;
  const attempt = { action: `open ${node.path}`, path: node.path };
  return withCleanup((cleanup) => {
    const device = refusedOpening(machine, attempt, () => openDevice(machine, node));
    cleanup.defer(() => device.fd.close());
    const { info } = device;
    if (info.kind !== kind) throw wrongKind(node.path, kind, info.kind);
    return withRefusals(machine, attempt, () => setUp(machine, device, { ...request, attempt }));
  });
}

function wrongKind(path: string, wanted: DeviceKind, found: DeviceKind): DmaBufError {
  const does: Readonly<Record<DeviceKind, string>> = {
    capture: 'gives frames (openCamera)',
    output: 'takes frames (openVideoOutput)',
    converter: 'converts frames from one queue to another',
    other: 'has no frames to stream',
  };
  return new DmaBufError(`Cannot open ${path} for ${wanted} as it ${does[found]}`, {
    code: 'ENOTTY',
    values: { path },
  });
}

function setUp(
  machine: Machine,
  device: OpenDevice,
  request: SessionRequest & { readonly attempt: { readonly action: string; readonly path: string } },
): Session {
  const { raw } = machine;
  const { attempt, kind, wishes, source } = request;
  const fd = device.fd.borrow();
  const type = queueType(kind, device.info.multiPlanar);
  if (request.connector !== undefined) chooseConnector(new V4l2Calls(raw), fd, request.connector, { kind, attempt });
  if (request.takesTimings) takeSourceTimings(machine, fd, attempt);
  const format = negotiateFormat({ calls: new V4l2FormatCalls(raw), fd, type, attempt }, wishes);
  const description = describeVideoFrame(format);
  // The picture may end before its memory does, and a driver that tells too little must not win.
  const lengths = format.memories.map(({ length }, index) => Math.max(length, description.bufferLengths[index] ?? 0));
  const calls = new V4l2QueueCalls(raw);
  const queue = new BufferQueue({ machine, calls, fd, type, lengths, source, attempt, direction: kind });
  return withCleanup((cleanup) => {
    cleanup.defer(() => queue.close());
    const layouts = queue.memory.buffers.map((buffers) => new FrameLayout(description, buffers));
    const close = (): void =>
      runAllSteps([() => queue.close(), () => device.fd.close()], 'A device could not be closed');
    return { device, queue, shape: { format, layouts }, close };
  });
}
