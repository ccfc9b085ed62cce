import { collector } from '../../../src/base/collector.ts';
import type { CollectionWatch } from '../../../src/base/collector.ts';
import { DmaBufError } from '../../../src/base/errors.ts';
import type { DmaBufErrorCode } from '../../../src/base/errors.ts';
import type { BorrowedFd } from '../../../src/linux/calls/fd.ts';
import type { DequeuedBuffer } from '../../../src/linux/calls/v4l2-queue-calls.ts';
import { ConverterStream } from '../../../src/v4l2/converter-stream.ts';
import type { ConversionRequest } from '../../../src/v4l2/converter-stream.ts';
import type { CameraFrame, FrameShape } from '../../../src/v4l2/camera-frame.ts';

/** V4L2_BUF_FLAG_TIMESTAMP_COPY and V4L2_BUF_FLAG_ERROR of the kernel's videodev2.h. */
const TIMESTAMP_COPY = 0x4000;
const ERROR = 0x40;
/** EPOLLERR of the kernel's eventpoll.h. */
const POLL_ERROR = 8;

/** What a buffer says when it comes back. */
interface DoneBuffer {
  readonly index: number;
  readonly timestampUs: number;
  readonly damaged?: boolean;
}

/** Of this module: a closure of the constructor would keep the device. */
function nothing(): void {}

type Refusing = 'start of input' | 'start of output' | 'queue of input' | undefined;

/** A queue that gives back what the test has put there. */
class FakeQueue {
  streaming = false;
  ended = false;
  failure: DmaBufErrorCode | undefined;
  readonly done: DequeuedBuffer[] = [];
  readonly stamps: bigint[] = [];
  readonly #queued: Set<number>;
  readonly #refuse: (call: 'start' | 'queue') => void;

  constructor(queued: readonly number[], refuse: (call: 'start' | 'queue') => void) {
    this.#queued = new Set(queued);
    this.#refuse = refuse;
  }

  isQueued(index: number): boolean {
    return this.#queued.has(index);
  }

  queue(index: number, facts?: { readonly timestampNs: bigint }): void {
    this.#refuse('queue');
    if (this.#queued.has(index)) throw new Error(`buffer ${index} is queued twice`);
    this.#queued.add(index);
    if (facts !== undefined) this.stamps.push(facts.timestampNs);
  }

  dequeue(): DequeuedBuffer | 'end' | undefined {
    if (this.failure !== undefined) throw new DmaBufError('it failed', { code: this.failure });
    if (this.ended) return 'end';
    const done = this.done.shift();
    if (done !== undefined && !this.#queued.delete(done.index)) throw new Error(`buffer ${done.index} was not queued`);
    return done;
  }

  start(): void {
    this.#refuse('start');
    this.streaming = true;
  }

  stop(): void {
    this.streaming = false;
    this.#queued.clear();
  }
}

/** A memory-to-memory device without a kernel, and the conversions on it. */
export class FakeConverterDevice {
  readonly input: FakeQueue;
  readonly output: FakeQueue;
  readonly stream: ConverterStream;
  readonly #copiesTimestamps: boolean;
  #ready: ((events: number) => void) | undefined;
  /** Which call is refused with ENOMEM. */
  refusing: Refusing;

  constructor({
    inputs,
    outputs,
    copiesTimestamps = true,
    collection = collector.watch({ collect: nothing }),
  }: {
    inputs: number;
    outputs: number;
    copiesTimestamps?: boolean;
    collection?: CollectionWatch;
  }) {
    this.#copiesTimestamps = copiesTimestamps;
    const refuseFor =
      (queue: 'input' | 'output') =>
      (call: 'start' | 'queue'): void => {
        if (this.refusing === `${call} of ${queue}`) throw new DmaBufError('it is refused', { code: 'ENOMEM' });
      };
    const indexes = Array.from({ length: outputs }, (_, index) => index);
    this.input = new FakeQueue([], refuseFor('input'));
    this.output = new FakeQueue(indexes, refuseFor('output'));
    if (inputs < 1) throw new Error('A converter has an input');
    this.stream = new ConverterStream({
      input: this.input,
      output: this.output,
      shape: { format: { memories: [{ stride: 64, length: 4096 }] }, layouts: [] } as unknown as FrameShape,
      fd: {} as BorrowedFd,
      readiness: { watch: (_fd, _kind, listener) => this.#watch((events) => listener.ready(events)) },
      path: '/dev/video9',
      collection,
    });
  }

  /** Whether anybody waits for it. */
  get watched(): boolean {
    return this.#ready !== undefined;
  }

  /** What pictures were stamped with, in ns. */
  get stamps(): readonly bigint[] {
    return this.input.stamps;
  }

  convert({
    index,
    timestampNs,
    signal,
  }: Pick<ConversionRequest, 'index'> & Partial<ConversionRequest>): Promise<CameraFrame> {
    return this.stream.convert({ index, timestampNs, signal, bytesUsed: [4096] });
  }

  /** The device has done with a picture, and has made one. */
  finish(made: DoneBuffer & { readonly inputIndex?: number }): void {
    this.finishInput(made.inputIndex ?? made.index);
    this.finishOutput(made);
  }

  finishInput(index: number, { damaged = false } = {}): void {
    this.input.done.push(this.#done({ index, timestampUs: 0, damaged }));
    this.#tell();
  }

  finishOutput(made: DoneBuffer): void {
    this.output.done.push(this.#done(made));
    this.#tell();
  }

  failDequeueing(code: DmaBufErrorCode): void {
    this.input.failure = code;
    this.#tell();
  }

  pollAsFailed(): void {
    this.#tell(POLL_ERROR);
  }

  endOutput(): void {
    this.output.ended = true;
    this.#tell();
  }

  #watch(ready: (events: number) => void): { close(): void } {
    if (this.#ready !== undefined) throw new Error('it is watched twice');
    this.#ready = ready;
    return { close: () => (this.#ready = undefined) };
  }

  #tell(events = 0): void {
    this.#ready?.(events);
  }

  #done({ index, timestampUs, damaged = false }: DoneBuffer): DequeuedBuffer {
    const flags = (this.#copiesTimestamps ? TIMESTAMP_COPY : 0) | (damaged ? ERROR : 0);
    const timestamp = { timestampSeconds: 0, timestampMicroseconds: timestampUs };
    return { index, flags, field: 1, sequence: 0, ...timestamp, bytesUsed: () => 4096 } as unknown as DequeuedBuffer;
  }
}
