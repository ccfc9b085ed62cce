import { assert } from '../../base/assert.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { O_CLOEXEC, O_RDWR } from '../../uapi/fcntl.ts';
import {
  V4L2_MEMORY_DMABUF,
  V4L2_MEMORY_MMAP,
  VIDIOC_DQBUF,
  VIDIOC_EXPBUF,
  VIDIOC_QBUF,
  VIDIOC_REQBUFS,
  VIDIOC_STREAMOFF,
  VIDIOC_STREAMON,
  v4l2Buffer,
  v4l2Exportbuffer,
  v4l2Plane,
  v4l2Requestbuffers,
} from '../../uapi/videodev2-buffers.ts';
import { VIDEO_MAX_PLANES } from '../../uapi/videodev2-frames.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { addressOf } from './kernel-calls.ts';
import { isMultiPlanar } from './v4l2-format-calls.ts';
import { V4l2Ioctls } from './v4l2-calls.ts';

/** Whose memory a queue has: that of dma-bufs that it is given, or of the driver. */
export type V4l2MemoryKind = 'dmabuf' | 'mmap';

const MEMORY: Readonly<Record<V4l2MemoryKind, number>> = { dmabuf: V4L2_MEMORY_DMABUF, mmap: V4L2_MEMORY_MMAP };

/** What a plane of a buffer is queued with. */
export interface QueuedPlane {
  /** Of `dmabuf` memory. */
  readonly fd: BorrowedFd | undefined;
  /** In bytes. */
  readonly length: number;
  /** What an output is to use of it; 0 of a capture. */
  readonly bytesUsed: number;
}

const at = v4l2Buffer.offsets;
const atPlane = v4l2Plane.offsets;
const readIndex = v4l2Buffer.readerOf('index');
const readFlags = v4l2Buffer.readerOf('flags');
const readField = v4l2Buffer.readerOf('field');
const readBytesUsed = v4l2Buffer.readerOf('bytesused');
const readSequence = v4l2Buffer.readerOf('sequence');
const readSeconds = v4l2Buffer.readerOf('timestamp.tvSec');
const readMicroseconds = v4l2Buffer.readerOf('timestamp.tvUsec');
const readPlaneBytesUsed = v4l2Plane.readerOf('bytesused');
const readPlaneOffset = v4l2Plane.readerOf('dataOffset');

/** What a dequeued buffer says. It is read before the next one is dequeued. */
export class DequeuedBuffer {
  readonly bytes: Uint8Array;
  readonly planes: Uint8Array | undefined;
  readonly #template: Uint8Array;

  constructor(queue: { type: number; memory: V4l2MemoryKind }) {
    const header = { type: queue.type, memory: MEMORY[queue.memory] };
    if (isMultiPlanar(queue.type)) {
      // Shared memory does not move: the kernel writes there by its address.
      this.planes = new Uint8Array(new SharedArrayBuffer(VIDEO_MAX_PLANES * v4l2Plane.size));
      this.#template = v4l2Buffer.write({ ...header, length: VIDEO_MAX_PLANES, m: addressOf(this.planes) });
    } else this.#template = v4l2Buffer.write(header);
    this.bytes = this.#template.slice();
  }

  /** Asks for whichever buffer is done, of this queue. */
  prepare(): void {
    this.bytes.set(this.#template);
  }

  get index(): number {
    return readIndex(this.bytes);
  }

  /** `V4L2_BUF_FLAG_*`. */
  get flags(): number {
    return readFlags(this.bytes);
  }

  /** `V4L2_FIELD_*`. */
  get field(): number {
    return readField(this.bytes);
  }

  /** 32 bits, which begin anew. */
  get sequence(): number {
    return readSequence(this.bytes);
  }

  get timestampSeconds(): number {
    return readSeconds(this.bytes);
  }

  get timestampMicroseconds(): number {
    return readMicroseconds(this.bytes);
  }

  bytesUsed(plane: number): number {
    return this.planes === undefined
      ? readBytesUsed(this.bytes)
      : readPlaneBytesUsed(this.planes.subarray(plane * v4l2Plane.size));
  }

  /** Where the picture begins behind a driver's own header, in bytes. */
  dataOffset(plane: number): number {
    return this.planes === undefined ? 0 : readPlaneOffset(this.planes.subarray(plane * v4l2Plane.size));
  }
}

/** A buffer as it is queued, over and over: written once. */
export class QueueableBuffer {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly template: Uint8Array;
  readonly planes: Uint8Array | undefined;
  readonly planesTemplate: Uint8Array | undefined;

  constructor(index: number, queue: { type: number; memory: V4l2MemoryKind }, planes: readonly QueuedPlane[]) {
    this.index = index;
    const header = { index, type: queue.type, memory: MEMORY[queue.memory] };
    if (isMultiPlanar(queue.type)) {
      this.planes = new Uint8Array(new SharedArrayBuffer(planes.length * v4l2Plane.size));
      writePlanes(this.planes, planes);
      this.planesTemplate = this.planes.slice();
      this.template = v4l2Buffer.write({ ...header, length: planes.length, m: addressOf(this.planes) });
    } else {
      const [plane] = planes;
      assert(plane !== undefined && planes.length === 1, 'A buffer of a single-planar queue has one plane');
      const { fd = 0, length, bytesUsed } = plane;
      this.template = v4l2Buffer.write({ ...header, length, bytesused: bytesUsed, m: fd });
    }
    this.bytes = this.template.slice();
  }
}

function writePlanes(bytes: Uint8Array, planes: readonly QueuedPlane[]): void {
  for (const [index, { fd = 0, length, bytesUsed }] of planes.entries())
    v4l2Plane.write({ bytesused: bytesUsed, length, m: fd }, bytes.subarray(index * v4l2Plane.size));
}

/**
 * The calls on a queue of buffers (drivers/media/common/videobuf2/videobuf2-v4l2.c). A queue is a
 * descriptor and its type, `V4L2_BUF_TYPE_*`.
 */
export class V4l2QueueCalls extends V4l2Ioctls {
  /**
   * `V4L2_BUF_CAP_*`: a request for no buffers changes nothing but to free those that there are.
   * Undefined where the queue has no such memory.
   */
  bufferCapabilities(fd: BorrowedFd, type: number, memory: V4l2MemoryKind): number | undefined {
    const argument = v4l2Requestbuffers.write({ count: 0, type, memory: MEMORY[memory] });
    const isKnown = this.mayIoctl(fd, ['VIDIOC_REQBUFS', VIDIOC_REQBUFS], argument);
    return isKnown ? v4l2Requestbuffers.read(argument).capabilities : undefined;
  }

  /** How many buffers the driver gives. 0 frees those that there are. */
  requestBuffers(fd: BorrowedFd, type: number, { memory, count }: { memory: V4l2MemoryKind; count: number }): number {
    const argument = v4l2Requestbuffers.write({ count, type, memory: MEMORY[memory] });
    this.mustIoctl(fd, ['VIDIOC_REQBUFS', VIDIOC_REQBUFS], argument, { count });
    return v4l2Requestbuffers.read(argument).count;
  }

  /** The driver's own buffer as a dma-buf. */
  exportBuffer(fd: BorrowedFd, type: number, { index, plane }: { index: number; plane: number }): OwnedFd {
    const argument = v4l2Exportbuffer.write({ type, index, plane, flags: O_RDWR | O_CLOEXEC });
    const { fd: fdAt } = v4l2Exportbuffer.offsets;
    this.checked('VIDIOC_EXPBUF', this.raw.ioctlForFd(fd, VIDIOC_EXPBUF, argument, fdAt), { index, plane });
    return this.own(v4l2Exportbuffer.read(argument).fd);
  }

  /** @returns why it was refused; undefined where it was not */
  queue(fd: BorrowedFd, buffer: QueueableBuffer): ErrnoName | undefined {
    // The driver has written its answer over what it was given.
    buffer.bytes.set(buffer.template);
    if (buffer.planes !== undefined && buffer.planesTemplate !== undefined) buffer.planes.set(buffer.planesTemplate);
    return this.refusalOf(this.ioctl(fd, VIDIOC_QBUF, buffer.bytes));
  }

  /** @returns why none was given: `EAGAIN` where none is done */
  dequeue(fd: BorrowedFd, into: DequeuedBuffer): ErrnoName | undefined {
    into.prepare();
    return this.refusalOf(this.ioctl(fd, VIDIOC_DQBUF, into.bytes));
  }

  /** @returns why it was refused; undefined where it was not */
  streamOn(fd: BorrowedFd, type: number): ErrnoName | undefined {
    return this.refusalOf(this.ioctl(fd, VIDIOC_STREAMON, this.bytesOfNumber(type)));
  }

  /** Takes every buffer out of the queue. */
  streamOff(fd: BorrowedFd, type: number): void {
    this.mustIoctl(fd, ['VIDIOC_STREAMOFF', VIDIOC_STREAMOFF], this.bytesOfNumber(type));
  }
}

/** Where a {@link QueueableBuffer} says how much of a plane an output is to use, and since when. */
export function setOutput(
  buffer: QueueableBuffer,
  { bytesUsed, timestampNs }: { bytesUsed: readonly number[]; timestampNs: bigint },
): void {
  const view = new DataView(buffer.template.buffer, buffer.template.byteOffset);
  view.setBigInt64(at['timestamp.tvSec'], timestampNs / 1_000_000_000n, true);
  view.setBigInt64(at['timestamp.tvUsec'], (timestampNs % 1_000_000_000n) / 1000n, true);
  if (buffer.planesTemplate === undefined) {
    view.setUint32(at.bytesused, bytesUsed[0] ?? 0, true);
    return;
  }
  const planes = new DataView(buffer.planesTemplate.buffer);
  for (const [index, bytes] of bytesUsed.entries())
    planes.setUint32(index * v4l2Plane.size + atPlane.bytesused, bytes, true);
}
