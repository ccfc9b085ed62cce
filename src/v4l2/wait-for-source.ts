import { isDmaBufError } from '../base/errors.ts';
import { readiness } from '../linux/calls/readiness.ts';
import { V4l2ControlCalls } from '../linux/calls/v4l2-control-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { DeviceEvents } from './device-events.ts';
import { listInputIndexes, openDevice } from './device-info.ts';
import type { DeviceNode } from './device-nodes.ts';
import { querySourceTimings } from './dv-timings.ts';

/** Whether a device was refused for want of a signal that may come back. */
export function hasNoSignal(error: unknown): boolean {
  return isDmaBufError(error, 'ENOLINK') || isDmaBufError(error, 'ENOLCK') || isDmaBufError(error, 'ERANGE');
}

/**
 * Waits until an input receives something that the device can take.
 *
 * @throws the abort reason when given up
 * @throws {DmaBufError} `ENODEV` when the device is unplugged meanwhile
 */
export async function waitForSource(
  machine: Machine,
  node: DeviceNode,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { fd } = openDevice(machine, node);
  try {
    const calls = new V4l2ControlCalls(machine.raw);
    const inputs = listInputIndexes(machine, fd.borrow());
    const source = { calls, fd: fd.borrow(), controls: [], inputs, readiness, ended: () => {} };
    // Subscribed before it is asked: what comes in between is not missed.
    const events = new DeviceEvents(source, { signal });
    try {
      while (!hasSignal(machine, node, source.fd)) await events.next();
    } finally {
      events.close();
    }
  } finally {
    fd.close();
  }
}

function hasSignal(machine: Machine, { path }: DeviceNode, fd: Parameters<typeof querySourceTimings>[1]): boolean {
  try {
    querySourceTimings(machine, fd, { action: `follow the source of ${path}`, path });
    return true;
  } catch (error) {
    if (hasNoSignal(error)) return false;
    throw error;
  }
}
