import { withCleanup } from '../base/cleanup.ts';
import { V4l2QueueCalls } from '../linux/calls/v4l2-queue-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { BufferQueue } from './buffer-queue.ts';
import type { FrameShape } from './camera-frame.ts';
import type { OpenDevice } from './device-info.ts';
import { queueType } from './device-kind.ts';
import type { QueueDirection } from './device-kind.ts';
import type { BufferSource } from './queue-memory.ts';
import type { Attempt } from './refusals.ts';
import { describeVideoFrame } from './video-format.ts';
import type { VideoFormat } from './video-format.ts';

/** A queue of an open device, with its buffers. */
export interface SessionQueue {
  readonly shape: FrameShape;
  readonly queue: BufferQueue;
}

/** A queue whose format is set already. */
interface QueueSetUp {
  readonly direction: QueueDirection;
  readonly format: VideoFormat;
  readonly source: BufferSource;
  readonly attempt: Attempt;
}

/**
 * Gives a queue its buffers, and lays its frames over them.
 *
 * @throws {DmaBufError} as the device refuses; then nothing of it is left
 */
export function openSessionQueue(
  machine: Machine,
  { fd, info }: OpenDevice,
  { direction, format, source, attempt }: QueueSetUp,
): SessionQueue {
  const description = describeVideoFrame(format);
  // The picture may end before its memory does, and a driver that tells too little must not win.
  const lengths = format.memories.map(({ length }, index) => Math.max(length, description.bufferLengths[index] ?? 0));
  const type = queueType(direction, info.multiPlanar);
  const calls = new V4l2QueueCalls(machine.raw);
  const queue = new BufferQueue({ machine, calls, fd: fd.borrow(), type, lengths, source, attempt, direction });
  return withCleanup((cleanup) => {
    cleanup.defer(() => queue.close());
    const layouts = queue.memory.buffers.map((buffers) => new FrameLayout(description, buffers));
    return { queue, shape: { format, layouts } };
  });
}
