import { assert } from '../base/assert.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { ErrnoName } from '../base/errors.ts';
import { DequeuedBuffer, setOutput } from '../linux/calls/v4l2-queue-calls.ts';
import type { QueueableBuffer } from '../linux/calls/v4l2-queue-calls.ts';
import { createQueueMemory } from './queue-memory.ts';
import type { QueueMemory, QueueRequest } from './queue-memory.ts';
import { refusedByDevice } from './refusals.ts';

/** What is to be said of a buffer that a device takes. */
interface OutputFacts {
  /** Of each memory. */
  readonly bytesUsed: readonly number[];
  readonly timestampNs: bigint;
}

/**
 * A queue of buffers of a device: which of them the driver has, and which we. It waits for nothing.
 */
export class BufferQueue {
  readonly memory: QueueMemory;
  readonly #request: QueueRequest;
  readonly #queued: boolean[];
  readonly #dequeued: DequeuedBuffer;
  #queuedCount: number;
  #streaming = false;
  #open = true;

  /** Of a capture queue, the driver has all buffers now; of an output, none. */
  constructor(request: QueueRequest) {
    const isCapture = request.direction === 'capture';
    this.#request = request;
    this.memory = createQueueMemory(request);
    this.#queued = this.memory.queueable.map(() => isCapture);
    this.#queuedCount = isCapture ? this.#queued.length : 0;
    this.#dequeued = new DequeuedBuffer({ type: request.type, memory: this.memory.kind });
  }

  get bufferCount(): number {
    return this.#queued.length;
  }

  /** How many the driver has. */
  get queuedCount(): number {
    return this.#queuedCount;
  }

  get streaming(): boolean {
    return this.#streaming;
  }

  /** Whether the driver has a buffer. */
  isQueued(index: number): boolean {
    return this.#queued[index] === true;
  }

  /**
   * Gives the driver a buffer that it does not have.
   *
   * @throws {DmaBufError} as the driver refuses it: then we have it still
   */
  queue(index: number, facts?: OutputFacts): void {
    const buffer = this.memory.queueable[index] as QueueableBuffer;
    assert(this.#queued[index] === false, 'A buffer is queued that the driver has not');
    if (facts !== undefined) setOutput(buffer, facts);
    const { calls, fd } = this.#request;
    const refusal = calls.queue(fd, buffer);
    if (refusal !== undefined) throw this.#refused('VIDIOC_QBUF', refusal);
    this.#queued[index] = true;
    this.#queuedCount += 1;
  }

  /**
   * Takes a buffer that the driver has done with. What is given is good until the next one.
   *
   * @returns undefined where none is done; `end` after the last one of a stream
   * @throws {DmaBufError} `EIO`, `ENODEV`, … where the stream has failed
   */
  dequeue(): DequeuedBuffer | 'end' | undefined {
    const { calls, fd } = this.#request;
    const refusal = calls.dequeue(fd, this.#dequeued);
    if (refusal === 'EAGAIN') return undefined;
    // After the buffer with V4L2_BUF_FLAG_LAST (vb2_core_dqbuf).
    if (refusal === 'EPIPE') return 'end';
    if (refusal !== undefined) throw this.#refused('VIDIOC_DQBUF', refusal);
    const { index } = this.#dequeued;
    assert(this.#queued[index] === true, 'A driver gives back what it was given');
    this.#queued[index] = false;
    this.#queuedCount -= 1;
    return this.#dequeued;
  }

  /** @throws {DmaBufError} as the driver refuses to stream: then it has no buffer any more */
  start(): void {
    const { calls, fd, type } = this.#request;
    const refusal = calls.streamOn(fd, type);
    this.#streaming = refusal === undefined;
    if (refusal === undefined) return;
    const refuse = (): never => {
      throw this.#refused('VIDIOC_STREAMON', refusal);
    };
    // It keeps what is queued, until it is told to give it back (vb2_core_streamoff).
    runAllSteps([() => this.#takeBack(), refuse], 'A refused stream could not be ended');
  }

  /** Ends streaming: the driver has no buffer any more. Idempotent. */
  stop(): void {
    if (!this.#streaming) return;
    this.#streaming = false;
    this.#takeBack();
  }

  /** Frees the buffers. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { calls, fd, type } = this.#request;
    runAllSteps(
      [
        () => this.stop(),
        () => this.memory.close(),
        // Its own memory may be mapped still: then closing the device frees it.
        () =>
          ignoringUnplugged(() => {
            calls.requestBuffers(fd, type, { memory: this.memory.kind, count: 0 });
          }),
      ],
      'Several parts of a queue could not be closed',
    );
  }

  #takeBack(): void {
    this.#queued.fill(false);
    this.#queuedCount = 0;
    const { calls, fd, type } = this.#request;
    ignoringUnplugged(() => calls.streamOff(fd, type));
  }

  #refused(syscall: string, code: ErrnoName): Error {
    const { machine, attempt } = this.#request;
    return refusedByDevice(machine, { ...attempt, action: `stream ${attempt.path}` }, { code, syscall });
  }
}

/** A device that is gone has nothing to be given back to. */
function ignoringUnplugged(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isDmaBufError(error, 'ENODEV') && !isDmaBufError(error, 'EBUSY')) throw error;
  }
}
