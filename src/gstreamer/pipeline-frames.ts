import { inspect } from 'node:util';

import { onAbort } from '../base/abort.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import { KiB } from '../base/sizes.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { Machine } from '../linux/machine.ts';
import type { DescriptorStream } from '../share/stream/descriptor-stream.ts';
import { CommandReader } from './command-reader.ts';
import type { ReceivedCommand } from './command-reader.ts';
import { FrameImports } from './frame-imports.ts';
import type { LentBuffer } from './frame-imports.ts';
import { layOutFrame } from './lay-out-frame.ts';
import { PipelineFrame } from './pipeline-frame.ts';
import { protocolError } from './protocol-error.ts';
import { ReceivedDescriptors } from './received-descriptors.ts';
import { COMMAND, readCaps, readNewBuffer, writeRelease } from './unixfd-command.ts';
import type { NewBuffer } from './unixfd-command.ts';
import { parseVideoCaps } from './video-caps.ts';
import type { VideoCaps } from './video-caps.ts';
import { readVideoMeta } from './video-meta.ts';

/** How frames are read. */
interface PipelineFramesSetup {
  readonly machine: Machine;
  /** How many may wait to be read. */
  readonly backlog: number;
  /** How many files stay imported. */
  readonly importsMax: number;
  readonly signal: AbortSignal | undefined;
}

/** What was read so far, and what was missed. */
export interface PipelineCounts {
  /** Frames that were read. */
  readonly deliveredCount: number;
  /** Given back unread, for a slow reader. */
  readonly droppedCount: number;
}

interface Reader {
  resolve(frame: PipelineFrame | undefined): void;
  reject(error: unknown): void;
}

/** Of releases, of 16 bytes each. A pipeline has no such number of frames out. */
const UNREAD_BYTES_MAX = 256 * KiB;
const END = { done: true, value: undefined } as const;

/**
 * Frames of a pipeline, for `for await`. It always reads, also while nobody asks for a frame: a
 * client that does not stops the whole pipeline, for all its clients.
 */
export class PipelineFrames implements AsyncIterableIterator<PipelineFrame, undefined> {
  readonly #stream: DescriptorStream;
  readonly #setup: PipelineFramesSetup;
  readonly #reader = new CommandReader();
  readonly #descriptors = new ReceivedDescriptors();
  readonly #imports: FrameImports;
  readonly #waiting: PipelineFrame[] = [];
  /** Not closed yet. */
  readonly #delivered = new Set<PipelineFrame>();
  readonly #readers: Reader[] = [];
  readonly #stopListening: () => void;
  #caps: VideoCaps | undefined;
  #deliveredCount = 0;
  #droppedCount = 0;
  #droppedSince = 0;
  /** Nothing more comes. */
  #isComplete = false;
  #failure: { readonly error: unknown } | undefined;
  #ended = false;

  /** Takes ownership of the stream. @internal */
  constructor(stream: DescriptorStream, setup: PipelineFramesSetup) {
    this.#stream = stream;
    this.#setup = setup;
    this.#imports = new FrameImports(setup.machine, setup.importsMax);
    this.#stopListening = onAbort(setup.signal, (reason) => this.#giveUp(reason));
    stream.on('fds', (numbers: number[]) => this.#addDescriptors(numbers));
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    stream.on('end', () => this.#endWithoutNotice());
    stream.on('error', (error) => this.#fail(error));
  }

  /** What every frame is; undefined before the pipeline has said so. */
  get caps(): VideoCaps | undefined {
    return this.#caps;
  }

  /** What became of its frames so far. */
  get counts(): PipelineCounts {
    return { deliveredCount: this.#deliveredCount, droppedCount: this.#droppedCount };
  }

  /**
   * The next frame, as soon as there is one; the end once the pipeline has ended its stream and
   * every frame was read.
   *
   * @throws the abort reason when given up
   * @throws {DmaBufError} `EPROTO` for what is no frame of raw video, or does not lie in its
   *   memory; `EINVAL` for memory that its sender could take away; `ECONNRESET` when the pipeline
   *   is gone without an end of stream. Nothing more comes then
   */
  next(): Promise<IteratorResult<PipelineFrame, undefined>> {
    return new Promise((resolve, reject) => {
      const reader: Reader = {
        resolve: (frame) => resolve(frame === undefined ? END : { done: false, value: frame }),
        reject,
      };
      this.#readers.push(reader);
      this.#serve();
    });
  }

  /** Ends: every frame is given back, also those that were delivered and are not closed yet. */
  async return(): Promise<IteratorResult<PipelineFrame, undefined>> {
    this.stop();
    return await Promise.resolve(END);
  }

  /** As {@link return}, at once. Idempotent. */
  stop(): void {
    this.#isComplete = true;
    this.#end();
    this.#serve();
  }

  /** For `using`: ends. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** For `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `PipelineFrames { ${this.#deliveredCount} delivered, ${this.#ended ? 'ended' : 'open'} }`;
  }

  #addDescriptors(numbers: readonly number[]): void {
    try {
      this.#descriptors.add(numbers);
    } catch (error) {
      this.#fail(error);
    }
    // Nobody takes them any more.
    if (this.#ended) this.#descriptors.close();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      for (const command of this.#reader.read(bytes)) this.#handle(command);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Commands that are not known are ignored, as GStreamer does. */
  #handle({ type, payload }: ReceivedCommand): void {
    if (this.#isComplete) return;
    if (type === COMMAND.newBuffer) this.#add(readNewBuffer(payload));
    else if (type === COMMAND.caps) this.#caps = capsOf(payload);
    else if (type === COMMAND.endOfStream) {
      this.#isComplete = true;
      this.#serve();
    }
  }

  #add(sent: NewBuffer): void {
    this.#waiting.push(this.#makeFrame(sent, this.#descriptors.take(sent.memories.length)));
    this.#serve();
    while (this.#waiting.length > this.#setup.backlog) {
      this.#waiting.shift()?.close();
      this.#droppedCount += 1;
      this.#droppedSince += 1;
    }
  }

  #makeFrame({ id, timestampNs, durationNs, memories, metas }: NewBuffer, fds: OwnedFd[]): PipelineFrame {
    const caps = this.#caps;
    const lent: LentBuffer[] = [];
    const giveAllBack = (): void =>
      runAllSteps(
        lent.map((each) => () => each.giveBack()),
        'The buffers of the frame could not be given back',
      );
    try {
      if (caps === undefined) throw protocolError('a frame came before its caps');
      const imported = memories.map((memory) => {
        const own = this.#imports.take(fds.shift() as OwnedFd);
        lent.push(own);
        return { ...memory, buffer: own.buffer };
      });
      const meta = metas.map(readVideoMeta).find((each) => each !== undefined);
      const layout = layOutFrame(caps, meta, imported);
      const frame: PipelineFrame = new PipelineFrame({
        layout,
        caps,
        timestampNs,
        durationNs,
        release: () => {
          this.#delivered.delete(frame);
          // A pipeline that is gone has taken everything back by itself.
          this.#stream.writeUnlessGone(writeRelease(id));
          giveAllBack();
          this.#checkUnread();
        },
      });
      return frame;
    } catch (error) {
      for (const fd of fds) fd.closeAside();
      giveAllBack();
      throw error;
    }
  }

  /** A pipeline that sends frames and never reads which ones come back would fill our memory. */
  #checkUnread(): void {
    if (this.#stream.writableLength > UNREAD_BYTES_MAX)
      this.#fail(protocolError('it does not read what is given back'));
  }

  #endWithoutNotice(): void {
    if (this.#isComplete) return;
    const message = 'Cannot go on with the pipeline as it is gone without having ended its stream';
    this.#fail(new DmaBufError(message, { code: 'ECONNRESET' }));
  }

  /** Of no meaning behind the end of the stream. */
  #fail(error: unknown): void {
    if (!this.#isComplete) this.#giveUp(error);
  }

  /** Also while frames of a stream that has ended wait to be read. */
  #giveUp(error: unknown): void {
    this.#failure = { error };
    this.#isComplete = true;
    this.#endUnheard();
    this.#serve();
  }

  /** From now on the pipeline may fill all its memory again. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListening();
    const frames = [...this.#waiting.splice(0), ...this.#delivered];
    const steps = [
      ...frames.map((frame) => () => frame.close()),
      () => this.#descriptors.close(),
      () => this.#imports.close(),
      () => this.#stream.destroy(),
    ];
    runAllSteps(steps, 'The frames of the pipeline could not be ended');
  }

  /** Where an error has no caller to go to. */
  #endUnheard(): void {
    try {
      this.#end();
    } catch {
      // Everything was tried.
    }
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const frame = this.#waiting.shift();
      if (frame === undefined && !this.#isComplete) return;
      const reader = this.#readers.shift();
      if (frame === undefined) {
        this.#endUnheard();
        const failure = this.#failure;
        this.#failure = undefined;
        if (failure === undefined) reader?.resolve(undefined);
        else reader?.reject(failure.error);
        continue;
      }
      this.#deliveredCount += 1;
      this.#delivered.add(frame);
      reader?.resolve(frame.delivered(this.#droppedSince));
      this.#droppedSince = 0;
    }
  }
}

/** Undefined before the pipeline has agreed on any: its frames come later. */
function capsOf(payload: Uint8Array): VideoCaps | undefined {
  const text = readCaps(payload);
  if (text === 'NULL') return undefined;
  return parseVideoCaps(text, (why) => protocolError(`its caps ${quoteForeign(text)} are not taken: ${why}`));
}
