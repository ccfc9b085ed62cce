import { outOfRange } from '../base/argument-error.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import type { CleanupStack } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { ErrnoName } from '../base/errors.ts';
import { importBuffer } from '../backend/fd-buffer/import-buffer.ts';
import { openHeap } from '../backend/open-heap.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import { Heap } from '../heap/heap.ts';
import type { BorrowedFd, OwnedFd } from '../linux/calls/fd.ts';
import { QueueableBuffer } from '../linux/calls/v4l2-queue-calls.ts';
import type { QueuedPlane, V4l2MemoryKind, V4l2QueueCalls } from '../linux/calls/v4l2-queue-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { V4L2_BUF_CAP_SUPPORTS_DMABUF } from '../uapi/videodev2-buffers.ts';
import type { QueueDirection } from './device-kind.ts';
import { refusedByDevice } from './refusals.ts';
import type { Attempt } from './refusals.ts';

/** Whose memory the frames lie in, and why. */
export interface FrameMemoryInfo {
  /**
   * `imported`: the device fills buffers of a heap, or the caller's. `exported`: the driver's own
   * memory, exported as dma-bufs.
   */
  readonly kind: 'imported' | 'exported';
  /** The heap's name; undefined for buffers of the caller or the driver. */
  readonly heap: string | undefined;
  /** Why it is this memory. A clause. */
  readonly reason: string;
}

/** Where buffers come from. */
export interface BufferSource {
  /** How many. The driver may need more, or take fewer. */
  readonly count: number;
  /** Undefined for the machine's own, if it has one that devices can use. */
  readonly heap: Heap | undefined;
  /** The caller's, for each frame one for each memory; undefined where they come from a heap. */
  readonly given: readonly (readonly DmaBuf[])[] | undefined;
}

/** A queue that is to have buffers. */
export interface QueueRequest {
  readonly direction: QueueDirection;
  readonly machine: Machine;
  readonly calls: V4l2QueueCalls;
  readonly fd: BorrowedFd;
  /** `V4L2_BUF_TYPE_*`. */
  readonly type: number;
  /** Of each memory of a frame, in bytes. */
  readonly lengths: readonly number[];
  readonly source: BufferSource;
  readonly attempt: Attempt;
}

/** The buffers of a queue, each in its slot: a driver that maps them when queued maps each once. */
export interface QueueMemory {
  readonly info: FrameMemoryInfo;
  readonly kind: V4l2MemoryKind;
  /** Each frame's buffers, one for each memory. */
  readonly buffers: readonly (readonly DmaBuf[])[];
  readonly queueable: readonly QueueableBuffer[];
  /** Idempotent. */
  close(): void;
}

/**
 * Gives a queue its buffers: of a heap or the caller's where the driver imports them, and of the
 * driver where it does not. That shows when the first is queued, so all are queued here: vb2 looks
 * at a dma-buf not before (`__prepare_dmabuf` in drivers/media/common/videobuf2/videobuf2-core.c).
 *
 * @throws {DmaBufError} as the driver refuses its own memory too, or the caller's buffers
 */
export function createQueueMemory(request: QueueRequest): QueueMemory {
  const imported = importInto(request);
  if (typeof imported !== 'string') return imported;
  if (request.source.given !== undefined) {
    const message = `Cannot ${request.attempt.action} with these buffers as ${imported}`;
    throw new DmaBufError(message, { code: 'EOPNOTSUPP', syscall: 'VIDIOC_QBUF' });
  }
  return exportFrom(request, imported);
}

/** Gives the reason where the driver or this machine does not do it. */
function importInto(request: QueueRequest): QueueMemory | string {
  const { calls, fd, type, source } = request;
  const capabilities = calls.bufferCapabilities(fd, type, 'dmabuf');
  if (capabilities === undefined) return 'its driver imports no dma-bufs';
  // Before Linux 4.20 drivers said nothing.
  if (capabilities !== 0 && (capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF) === 0)
    return 'its driver imports no dma-bufs';
  if (source.given !== undefined) return importBuffers(request, source.given);
  const heap = heapFor(source);
  if (typeof heap === 'string') return heap;
  try {
    return importFromHeap(request, heap);
  } finally {
    // Buffers outlive their heap.
    if (heap !== source.heap) heap.close();
  }
}

function heapFor({ heap }: BufferSource): Heap | string {
  if (heap !== undefined)
    return heap.deviceImportable ? heap : `the heap ${heap.name} (${heap.backend}) gives no dma-bufs`;
  try {
    return openHeap('system', { require: ['deviceImport'] });
  } catch (error) {
    if (isDmaBufError(error)) return `this machine has no heap for it: ${error.message}`;
    throw error;
  }
}

function importFromHeap(request: QueueRequest, heap: Heap): QueueMemory | string {
  const { lengths, source } = request;
  return withCleanup((cleanup) => {
    const count = requestBuffers(request, 'dmabuf', source.count, cleanup);
    const buffers = Array.from({ length: count }, () =>
      lengths.map((length) => {
        // By the class's own method: another one of that name may have been put on the heap.
        const buffer = Heap.prototype.allocate.call(heap, length);
        cleanup.defer(() => buffer.close());
        return buffer;
      }),
    );
    const reason = `its driver imports dma-bufs, and they come from the heap ${heap.name}`;
    const close = (): void => closeAll(buffers.flat());
    const memory = queueImported(request, buffers, { close, info: { heap: heap.name, reason } });
    if (typeof memory === 'string') cleanup.unwind();
    return memory;
  });
}

function importBuffers(request: QueueRequest, given: readonly (readonly DmaBuf[])[]): QueueMemory | string {
  checkGiven(request, given);
  return withCleanup((cleanup) => {
    const count = requestBuffers(request, 'dmabuf', given.length, cleanup);
    if (count > given.length) {
      const message = `Cannot ${request.attempt.action} with ${given.length} buffers as its driver needs ${count}: give more`;
      throw new DmaBufError(message, { code: 'EINVAL', values: { count: given.length, countMin: count } });
    }
    const reason = 'its driver imports the buffers that it was given';
    const memory = queueImported(request, given.slice(0, count), {
      close: () => {},
      info: { heap: undefined, reason },
    });
    if (typeof memory === 'string') cleanup.unwind();
    return memory;
  });
}

function checkGiven({ lengths, attempt }: QueueRequest, given: readonly (readonly DmaBuf[])[]): void {
  for (const [index, buffers] of given.entries()) {
    const argument = { action: attempt.action, name: `buffers[${index}]` };
    if (buffers.length !== lengths.length) {
      const must = `be ${lengths.length === 1 ? 'a buffer' : `${lengths.length} buffers`}, for each memory of a frame one`;
      throw outOfRange(argument, { must, received: buffers, shown: `${buffers.length}` });
    }
    for (const [memory, buffer] of buffers.entries()) {
      const needed = lengths[memory] as number;
      if (buffer.length >= needed) continue;
      throw outOfRange(argument, { must: `have at least ${needed} bytes`, received: buffer.length });
    }
  }
}

interface ImportedBuffers {
  readonly info: Omit<FrameMemoryInfo, 'kind'>;
  /** Closes the buffers, where they are ours. */
  readonly close: () => void;
}

/** Gives the reason where the driver refuses one. */
function queueImported(
  request: QueueRequest,
  buffers: readonly (readonly DmaBuf[])[],
  { info, close }: ImportedBuffers,
): QueueMemory | string {
  return withCleanup((cleanup) => {
    const fds: OwnedFd[] = [];
    const queueable = buffers.map((planes, index) => {
      const queued = planes.map((buffer, plane): QueuedPlane => {
        // By the class's own method, as above.
        const fd = DmaBuf.prototype.exportFd.call(buffer);
        cleanup.defer(() => fd.close());
        fds.push(fd);
        return { fd: fd.borrow(), length: buffer.length, bytesUsed: bytesOf(request, plane) };
      });
      return new QueueableBuffer(index, { type: request.type, memory: 'dmabuf' }, queued);
    });
    const refusal = queueAll(request, queueable);
    if (refusal !== undefined) {
      cleanup.unwind();
      const whose =
        info.heap === undefined ? 'one of the buffers that it was given' : `a buffer of the heap ${info.heap}`;
      return `its driver refuses ${whose} (VIDIOC_QBUF failed with ${refusal}), as one that takes only contiguous memory does`;
    }
    const memory = { info: Object.freeze({ kind: 'imported' as const, ...info }), kind: 'dmabuf' as const };
    return { ...memory, buffers, queueable, close: once(() => runAllSteps([() => closeAll(fds), close], SEVERAL)) };
  });
}

/** The driver's own memory. */
function exportFrom(request: QueueRequest, reason: string): QueueMemory {
  const { calls, fd, type, lengths, source } = request;
  return withCleanup((cleanup) => {
    const count = requestBuffers(request, 'mmap', source.count, cleanup);
    const buffers = Array.from({ length: count }, (_, index) =>
      lengths.map((_length, plane) => {
        const exported = calls.exportBuffer(fd, type, { index, plane });
        try {
          const buffer = importBuffer(exported);
          cleanup.defer(() => buffer.close());
          return buffer;
        } finally {
          exported.close();
        }
      }),
    );
    const queueable = buffers.map((planes, index) => {
      const queued = planes.map(({ length }, plane) => ({ fd: undefined, length, bytesUsed: bytesOf(request, plane) }));
      return new QueueableBuffer(index, { type, memory: 'mmap' }, queued);
    });
    const refusal = queueAll(request, queueable);
    if (refusal !== undefined) throw refusedQueueing(request, refusal);
    const info = Object.freeze({ kind: 'exported' as const, heap: undefined, reason });
    return { info, kind: 'mmap', buffers, queueable, close: once(() => closeAll(buffers.flat())) };
  });
}

/** They are freed again, if the whole fails. */
function requestBuffers(
  { calls, fd, type }: QueueRequest,
  memory: V4l2MemoryKind,
  count: number,
  cleanup: CleanupStack,
): number {
  const given = calls.requestBuffers(fd, type, { memory, count });
  cleanup.defer(() => {
    calls.requestBuffers(fd, type, { memory, count: 0 });
  });
  return given;
}

/**
 * A capture says itself how much it has filled. An output takes no more than a picture, though its
 * buffers end with a page (`__verify_length` in videobuf2-v4l2.c).
 */
function bytesOf({ direction, lengths }: QueueRequest, plane: number): number {
  return direction === 'capture' ? 0 : (lengths[plane] as number);
}

/** Of an output they are taken back: that they are taken is all there is to know. */
function queueAll(
  { calls, fd, type, direction }: QueueRequest,
  queueable: readonly QueueableBuffer[],
): ErrnoName | undefined {
  for (const buffer of queueable) {
    const refusal = calls.queue(fd, buffer);
    if (refusal !== undefined) return refusal;
  }
  // Not streaming, it gives back what is queued all the same (vb2_core_streamoff).
  if (direction === 'output') calls.streamOff(fd, type);
  return undefined;
}

function refusedQueueing(
  { machine, attempt }: Pick<QueueRequest, 'machine' | 'attempt'>,
  code: ErrnoName,
): DmaBufError {
  return refusedByDevice(machine, attempt, { code, syscall: 'VIDIOC_QBUF' });
}

const SEVERAL = 'Several buffers of a queue could not be closed';

function closeAll(closables: readonly { close(): void }[]): void {
  runAllSteps(
    closables.map((each) => () => each.close()),
    SEVERAL,
  );
}

function once(step: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    step();
  };
}
