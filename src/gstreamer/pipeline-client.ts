import { inspect } from 'node:util';

import type { OwnedFd } from '../linux/calls/fd.ts';
import type { PeerCredentials } from '../linux/calls/unix-socket-calls.ts';
import type { DescriptorStream } from '../share/stream/descriptor-stream.ts';
import { CommandReader } from './command-reader.ts';
import { protocolError } from './protocol-error.ts';
import type { FrameUsers } from './sent-frame.ts';
import { COMMAND, readRelease, writeCaps, writeEndOfStream } from './unixfd-command.ts';

/** How a client is served. */
interface PipelineClientSetup {
  readonly caps: string;
  /** How many frames it may have at a time. */
  readonly heldMax: number;
  /** Called once it is gone. */
  onEnd(client: PipelineClient): void;
}

/** Of the command of a frame: at most 4 memories and a `GstVideoMeta` of 4 planes. */
const FRAME_COMMAND_BYTES = 256;

/** A pipeline that reads our frames: `unixfdsrc`. */
export class PipelineClient {
  readonly #stream: DescriptorStream;
  readonly #setup: PipelineClientSetup;
  readonly #reader = new CommandReader();
  readonly #held = new Map<bigint, FrameUsers>();
  readonly #unreadBytesMax: number;
  #sentCount = 0;
  #releasedCount = 0;
  #passedOverCount = 0;
  #isStreamEnded = false;
  #closed = false;

  /** Takes ownership of the stream. @internal */
  constructor(stream: DescriptorStream, setup: PipelineClientSetup) {
    this.#stream = stream;
    this.#setup = setup;
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    stream.on('error', () => this.close());
    stream.on('end', () => this.close());
    stream.on('close', () => this.close());
    const caps = writeCaps(setup.caps);
    this.#unreadBytesMax = caps.length + setup.heldMax * FRAME_COMMAND_BYTES;
    stream.write(caps);
  }

  /** The process at the other end. */
  get peer(): PeerCredentials {
    return this.#stream.peer;
  }

  /** Frames that it has not given back yet. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** Frames that it got. */
  get sentCount(): number {
    return this.#sentCount;
  }

  /** Frames that it has given back. */
  get releasedCount(): number {
    return this.#releasedCount;
  }

  /**
   * Frames that it did not get, since it has given back or read too few of those before, or this
   * process had no descriptor left.
   */
  get passedOverCount(): number {
    return this.#passedOverCount;
  }

  /** Whether it is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether it was told that no frame follows. @internal */
  get isStreamEnded(): boolean {
    return this.#isStreamEnded;
  }

  /**
   * Whether it would get a frame. Ids can be guessed: a pipeline may give back what it has not even
   * read, and what waits for it here has descriptors.
   *
   * @internal
   */
  get hasRoom(): boolean {
    return this.#held.size < this.#setup.heldMax && this.#stream.writableLength <= this.#unreadBytesMax;
  }

  /** Disconnects it, which takes back every frame that it has. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.destroy();
    for (const users of this.#held.values()) users.remove();
    this.#held.clear();
    this.#setup.onEnd(this);
  }

  /**
   * Sends a frame, unless it has too many.
   *
   * @throws {DmaBufError} where the frame's descriptors cannot be duplicated
   * @internal
   */
  send(
    { id, command }: { readonly id: bigint; readonly command: Uint8Array },
    fds: readonly OwnedFd[],
    users: FrameUsers,
  ): boolean {
    if (!this.hasRoom) {
      this.#passedOverCount += 1;
      return false;
    }
    try {
      this.#stream.writeWithFds(command, fds);
    } catch (error) {
      this.#passedOverCount += 1;
      throw error;
    }
    this.#sentCount += 1;
    users.add();
    this.#held.set(id, users);
    return true;
  }

  /** Tells it that no frame follows, once. @internal */
  endStream(): void {
    if (this.#isStreamEnded) return;
    this.#isStreamEnded = true;
    this.#stream.write(writeEndOfStream());
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const state = this.#closed ? 'gone' : `${this.#held.size} held`;
    return `PipelineClient { process ${this.peer.pid}, ${this.#sentCount} sent, ${state} }`;
  }

  /** Commands that are not known are ignored, as GStreamer does; a wrong one ends the client. */
  #receive(bytes: Uint8Array): void {
    try {
      for (const { type, payload } of this.#reader.read(bytes))
        if (type === COMMAND.releaseBuffer) this.#release(readRelease(payload));
    } catch {
      this.close();
    }
  }

  #release(id: bigint): void {
    const users = this.#held.get(id);
    if (users === undefined) throw protocolError(`it gives back frame ${id}, which it does not have`);
    this.#held.delete(id);
    this.#releasedCount += 1;
    users.remove();
  }
}
