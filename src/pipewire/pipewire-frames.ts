import { inspect } from 'node:util';

import { onAbort } from '../base/abort.ts';
import { runAllSteps } from '../base/cleanup.ts';
import type { Machine } from '../linux/machine.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { DescriptorStream } from '../share/stream/descriptor-stream.ts';
import { MemoryPool } from './memory-pool.ts';
import { CLIENT_NODE } from './node-description.ts';
import { PipeWireConnection } from './pipewire-connection.ts';
import type { NativeEvent } from './pipewire-connection.ts';
import { ExperimentalPipeWireFrame } from './pipewire-frame.ts';
import { readNumber } from './spa-pod.ts';
import { StreamNode } from './stream-node.ts';

/** How frames are read. */
interface PipeWireFramesSetup {
  readonly machine: Machine;
  /** Of the node. */
  readonly properties: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

interface Failure {
  readonly error: unknown;
}

interface Reader {
  resolve(result: IteratorResult<ExperimentalPipeWireFrame, undefined>): void;
  reject(error: unknown): void;
}

/** PW_CORE_EVENT_ADD_MEM and _REMOVE_MEM of src/pipewire/core.h. */
const CORE = 0;
const CORE_EVENT = { addMemory: 6, removeMemory: 7 } as const;
const END = { done: true, value: undefined } as const;

/**
 * Frames of a stream, for `for await`: each time the newest one.
 *
 * @experimental
 */
export class ExperimentalPipeWireFrames implements AsyncIterableIterator<ExperimentalPipeWireFrame, undefined> {
  readonly #connection: PipeWireConnection;
  readonly #pool: MemoryPool;
  readonly #node: StreamNode;
  readonly #readers: Reader[] = [];
  readonly #delivered = new Set<ExperimentalPipeWireFrame>();
  readonly #stopListening: () => void;
  #waiting: ExperimentalPipeWireFrame | undefined;
  #droppedCount = 0;
  #failure: Failure | undefined;
  #ended = false;

  /** Takes ownership of the stream. @internal */
  constructor(stream: DescriptorStream, { machine, properties, signal }: PipeWireFramesSetup) {
    this.#pool = new MemoryPool(machine);
    this.#connection = new PipeWireConnection(stream, {
      event: (event) => this.#handle(event),
      ended: (error) => void this.#end({ error }),
    });
    this.#node = new StreamNode(this.#connection, this.#pool, {
      picture: (layout, give) => this.#take(layout, give),
    });
    this.#stopListening = onAbort(signal, (reason) => this.#connection.end(reason));
    this.#node.create(properties);
  }

  /**
   * The next frame. Close it.
   *
   * @throws {DmaBufError} what ended the stream: `ECONNRESET` when PipeWire is gone, `EPROTO` or
   *   `EOPNOTSUPP` for what it sent
   * @throws the abort reason when aborted
   */
  async next(): Promise<IteratorResult<ExperimentalPipeWireFrame, undefined>> {
    const frame = this.#waiting;
    this.#waiting = undefined;
    if (frame !== undefined) return { done: false, value: this.#deliver(frame) };
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    if (this.#ended) return END;
    return await new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  /** Ends it, with all its frames: as leaving a loop does. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.close();
    return await Promise.resolve(END);
  }

  /** Disconnects, and closes every frame. Idempotent. */
  close(): void {
    const unclosed = this.#end(undefined);
    if (unclosed !== undefined) throw unclosed.error;
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** For `await using`: closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }

  /** For `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `ExperimentalPipeWireFrames { ${this.#ended ? 'ended' : 'connected'} }`;
  }

  #handle(event: NativeEvent): void {
    const { object, opcode, values, takeFd } = event;
    if (object === CLIENT_NODE.id) this.#node.handle(event);
    if (object !== CORE) return;
    if (opcode === CORE_EVENT.addMemory) this.#pool.add(readNumber(values[0]), takeFd(values[2]));
    if (opcode === CORE_EVENT.removeMemory) this.#pool.remove(readNumber(values[0]));
  }

  #take(layout: FrameLayout, give: () => void): void {
    const frame: ExperimentalPipeWireFrame = new ExperimentalPipeWireFrame(layout, () => {
      this.#delivered.delete(frame);
      give();
    });
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: this.#deliver(frame) });
      return;
    }
    if (this.#waiting !== undefined) this.#droppedCount += 1;
    this.#waiting?.close();
    this.#waiting = frame;
  }

  #deliver(frame: ExperimentalPipeWireFrame): ExperimentalPipeWireFrame {
    this.#delivered.add(frame);
    const droppedCount = this.#droppedCount;
    this.#droppedCount = 0;
    return frame.delivered(droppedCount);
  }

  /** @returns why something could not be closed: nobody listens to an event's error */
  #end(reason: Failure | undefined): Failure | undefined {
    if (this.#ended) return undefined;
    this.#ended = true;
    const unclosed = this.#closeAll();
    const failure = reason ?? unclosed;
    const [first, ...others] = this.#readers.splice(0);
    if (first === undefined) this.#failure = failure;
    else if (failure === undefined) first.resolve(END);
    else first.reject(failure.error);
    for (const reader of others) reader.resolve(END);
    return unclosed;
  }

  #closeAll(): Failure | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const frames = [...this.#delivered].map((frame) => () => frame.close());
    const steps = [
      () => this.#stopListening(),
      () => waiting?.close(),
      ...frames,
      () => this.#node.close(),
      () => this.#pool.close(),
      () => this.#connection.end(undefined),
    ];
    try {
      runAllSteps(steps, 'The stream could not be closed');
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}
