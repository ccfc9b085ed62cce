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

/** A pipeline that reads our frames: `unixfdsrc`. */
export class PipelineClient {
  readonly #stream: DescriptorStream;
  readonly #setup: PipelineClientSetup;
  readonly #reader = new CommandReader();
  readonly #held = new Map<bigint, FrameUsers>();
  #sentCount = 0;
  #releasedCount = 0;
  #passedOverCount = 0;
  #closed = false;

  /** Takes ownership of the stream. @internal */
  constructor(stream: DescriptorStream, setup: PipelineClientSetup) {
    this.#stream = stream;
    this.#setup = setup;
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    stream.on('error', () => this.close());
    stream.on('end', () => this.close());
    stream.on('close', () => this.close());
    stream.write(writeCaps(setup.caps));
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

  /** Frames that it did not get, since it has given back too few of those before. */
  get passedOverCount(): number {
    return this.#passedOverCount;
  }

  /** Whether it is gone. */
  get closed(): boolean {
    return this.#closed;
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
   * @internal
   */
  send(
    { id, command }: { readonly id: bigint; readonly command: Uint8Array },
    fds: readonly OwnedFd[],
    users: FrameUsers,
  ): boolean {
    if (this.#held.size >= this.#setup.heldMax) {
      this.#passedOverCount += 1;
      return false;
    }
    users.add();
    this.#held.set(id, users);
    this.#sentCount += 1;
    this.#stream.writeWithFds(command, fds);
    return true;
  }

  /** Tells it that no frame follows. @internal */
  endStream(): void {
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
