import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { V4l2FormatCalls } from '../linux/calls/v4l2-format-calls.ts';
import type { Machine } from '../linux/machine.ts';
import type { CheckedStreaming } from './camera-options.ts';
import type { OpenDevice } from './device-info.ts';
import { queueType } from './device-kind.ts';
import type { QueueDirection } from './device-kind.ts';
import type { DeviceNode } from './device-nodes.ts';
import { negotiateFormat } from './negotiate-format.ts';
import { openFor } from './open-for.ts';
import { openSessionQueue } from './session-queue.ts';
import type { SessionQueue } from './session-queue.ts';
import type { VideoFormat } from './video-format.ts';

/** What each side of a converter is to be set to, and what its buffers are. */
export interface ConverterRequest {
  readonly input: CheckedStreaming;
  readonly output: CheckedStreaming;
}

/** A converter that is open. `input` is V4L2's output queue, `output` its capture queue. */
export interface ConverterSession {
  readonly device: OpenDevice;
  readonly input: SessionQueue;
  readonly output: SessionQueue;
  /** Idempotent. */
  close(): void;
}

/**
 * Opens a memory-to-memory device, sets both of its queues, and gives them their buffers.
 *
 * @throws {DmaBufError} as the device refuses one of it; then nothing of it is left
 */
export function openConverterSession(machine: Machine, node: DeviceNode, request: ConverterRequest): ConverterSession {
  return openFor(machine, { node, kind: 'converter' }, (device) => setUp(machine, device, request));
}

function setUp(machine: Machine, device: OpenDevice, request: ConverterRequest): ConverterSession {
  const { path } = device.info;
  const attemptFor = (side: string) => ({ action: `open the ${side} of ${path}`, path });
  const negotiate = (direction: QueueDirection, side: 'input' | 'output'): VideoFormat => {
    const type = queueType(direction, device.info.multiPlanar);
    const calls = new V4l2FormatCalls(machine.raw);
    return negotiateFormat({ calls, fd: device.fd.borrow(), type, attempt: attemptFor(side) }, request[side].wishes);
  };
  // What goes in first, as it decides what can come out; and both before either has buffers, with
  // which a format cannot be set (Documentation/userspace-api/media/v4l/dev-mem2mem.rst).
  const formats = { input: negotiate('output', 'input'), output: negotiate('capture', 'output') };
  const open = (direction: QueueDirection, side: 'input' | 'output'): SessionQueue =>
    openSessionQueue(machine, device, {
      direction,
      format: formats[side],
      source: request[side].source,
      attempt: attemptFor(side),
    });
  return withCleanup((cleanup) => {
    const input = open('output', 'input');
    cleanup.defer(() => input.queue.close());
    const output = open('capture', 'output');
    const steps = [() => input.queue.close(), () => output.queue.close(), () => device.fd.close()];
    return { device, input, output, close: () => runAllSteps(steps, 'A converter could not be closed') };
  });
}
