import { runAllSteps } from '../base/cleanup.ts';
import { V4l2Calls } from '../linux/calls/v4l2-calls.ts';
import { V4l2FormatCalls } from '../linux/calls/v4l2-format-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { chooseConnector } from './choose-connector.ts';
import type { OpenDevice } from './device-info.ts';
import { queueType } from './device-kind.ts';
import type { DeviceKind, QueueDirection } from './device-kind.ts';
import type { DeviceNode } from './device-nodes.ts';
import { takeSourceTimings } from './dv-timings.ts';
import { negotiateFormat } from './negotiate-format.ts';
import type { FormatWishes } from './negotiate-format.ts';
import { openFor } from './open-for.ts';
import type { BufferSource } from './queue-memory.ts';
import type { Attempt } from './refusals.ts';
import { openSessionQueue } from './session-queue.ts';
import type { SessionQueue } from './session-queue.ts';

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
export interface Session extends SessionQueue {
  readonly device: OpenDevice;
  /** Idempotent. */
  close(): void;
}

/**
 * Opens a device, sets it, and gives it its buffers.
 *
 * @throws {DmaBufError} as the device refuses one of it; then nothing of it is left
 */
export function openSession(machine: Machine, node: DeviceNode, request: SessionRequest): Session {
  return openFor(machine, { node, kind: request.kind }, (device, attempt) =>
    setUp(machine, device, { ...request, attempt }),
  );
}

function setUp(machine: Machine, device: OpenDevice, request: SessionRequest & { readonly attempt: Attempt }): Session {
  const { raw } = machine;
  const { attempt, kind, wishes, source } = request;
  const fd = device.fd.borrow();
  const type = queueType(kind, device.info.multiPlanar);
  if (request.connector !== undefined) chooseConnector(new V4l2Calls(raw), fd, request.connector, { kind, attempt });
  if (request.takesTimings) takeSourceTimings(machine, fd, attempt);
  const format = negotiateFormat({ calls: new V4l2FormatCalls(raw), fd, type, attempt }, wishes);
  const { queue, shape } = openSessionQueue(machine, device, { direction: kind, format, source, attempt });
  const close = (): void => runAllSteps([() => queue.close(), () => device.fd.close()], 'A device could not be closed');
  return { device, queue, shape, close };
}
