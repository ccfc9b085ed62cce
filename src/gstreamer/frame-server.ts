import { inspect } from 'node:util';

import { onAbort, throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import { outOfRange, wrongType } from '../base/argument-error.ts';
import { readOptions, readWaitOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { closeAll } from '../linux/calls/close-all.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import { exportAll } from '../share/connection/export-all.ts';
import type { ShareContext } from '../share/connection/share-context.ts';
import type { AcceptingSocket } from '../share/listener/accepting-socket.ts';
import { DescriptorStream } from '../share/stream/descriptor-stream.ts';
import { layoutOfCaps } from './describe-video-frame.ts';
import { packFrame } from './pack-frame.ts';
import { PipelineClient } from './pipeline-client.ts';
import { planFrame } from './plan-frame.ts';
import type { FramePlan } from './plan-frame.ts';
import { FrameUsers } from './sent-frame.ts';
import type { SentFrame } from './sent-frame.ts';
import { writeNewBuffer } from './unixfd-command.ts';
import type { NewBuffer } from './unixfd-command.ts';
import type { VideoCaps } from './video-caps.ts';
import { videoFormatOf } from './video-format.ts';

/** How frames are served. */
interface FrameServerSetup {
  readonly path: string;
  readonly caps: VideoCaps;
  readonly heldMax: number;
  /** Whether frames may be sent that do not lie as GStreamer puts them by itself. */
  readonly padded: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Options of {@link FrameServer.send}. */
export interface SendFrameOptions {
  /**
   * When it is to be shown, in ns of CLOCK_MONOTONIC (`process.hrtime.bigint()`). Default: now.
   */
  readonly timestampNs?: bigint | undefined;
  /** For how long, in ns. Default: not said. */
  readonly durationNs?: bigint | undefined;
}

const SEND = 'send the frame';
const NS_MAX = 2n ** 64n - 2n;

/**
 * Sends frames to the pipelines that have connected, as `unixfdsink` does. A server keeps the
 * program alive until it is closed. Close it when done.
 */
export class FrameServer {
  readonly #context: ShareContext;
  readonly #socket: AcceptingSocket;
  readonly #setup: FrameServerSetup;
  readonly #clients = new Set<PipelineClient>();
  readonly #watchers = new Set<() => void>();
  readonly #stopListening: () => void;
  #nextId = 0n;
  /** Calls of {@link end} under way. */
  #endingCount = 0;
  #failure: unknown;

  /** Takes ownership of the socket. @internal */
  constructor(context: ShareContext, socket: AcceptingSocket, setup: FrameServerSetup) {
    this.#context = context;
    this.#socket = socket;
    this.#setup = setup;
    this.#stopListening = onAbort(setup.signal, () => this.#closeUnheard());
    void this.#acceptAll();
  }

  /** The path of its socket. */
  get path(): string {
    return this.#setup.path;
  }

  /** What every frame is. */
  get caps(): VideoCaps {
    return this.#setup.caps;
  }

  /** The pipelines that are connected now. */
  get clients(): readonly PipelineClient[] {
    return [...this.#clients];
  }

  /** Whether `close()` was called, or `end()` is done. */
  get closed(): boolean {
    return this.#socket.closed;
  }

  /**
   * Resolves when a pipeline is connected.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` once closed
   * @throws the abort reason when aborted
   */
  async whenConnected(options: WaitOptions = {}): Promise<void> {
    const { signal } = readWaitOptions(options, 'wait for a pipeline');
    await this.#until(() => this.#clients.size > 0, { action: 'wait for a pipeline', signal });
  }

  /**
   * Sends a frame to every pipeline that is connected. None of its bytes is copied, and pipelines
   * only read them. Do not write to it before `released` resolves.
   *
   * A pipeline that holds its limit of frames is passed over, until it gives some back. So is one
   * for which this process has no descriptor left, unless that is so for all. One that {@link end}
   * has told of the end gets no more.
   *
   * @param layout of the size and format of the caps, in buffers that can be shared
   * @throws {TypeError | RangeError} for another value, format or size
   * @throws {DmaBufError} `EINVAL` for a frame that does not lie as GStreamer puts it by itself,
   *   unless the server was made with `padded`; for one that is partly in dma-bufs and partly not;
   *   `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`; `ERR_DMABUF_CLOSED`
   *   for one that was closed, or when the server is; `EMFILE` when this process has no descriptor
   *   left for any pipeline
   */
  send(layout: FrameLayout, options: SendFrameOptions = {}): SentFrame {
    const plain = readOptions(options, SEND, ['timestampNs', 'durationNs']);
    const timestampNs = checkNs(plain.timestampNs, 'timestampNs') ?? process.hrtime.bigint();
    const durationNs = checkNs(plain.durationNs, 'durationNs');
    this.#checkOpen(SEND);
    const frame = this.#checkFrame(layout);
    const plan = planFrame(this.#setup.caps, frame);
    const times = { timestampNs, durationNs };
    const clients = this.clients.filter((client) => !client.isStreamEnded);
    if (plan.metas.length === 0) return this.#sendPlanned(plan, times, clients);
    if (!this.#setup.padded) throw paddedRefusal();
    return this.#sendPadded(frame, plan, { times, clients });
  }

  /**
   * Tells every pipeline that no frame follows, also those that connect meanwhile, and closes the
   * server once they have gone.
   *
   * @throws the abort reason when aborted: the server goes on then, with pipelines that connect
   *   later
   */
  async end(options: WaitOptions = {}): Promise<void> {
    const { signal } = readWaitOptions(options, 'end the stream');
    if (this.closed) return;
    this.#endingCount += 1;
    try {
      throwIfAborted(signal);
      for (const client of this.#clients) client.endStream();
      await this.#until(() => this.#clients.size === 0, { action: 'end the stream', signal });
    } finally {
      this.#endingCount -= 1;
    }
    this.close();
  }

  /**
   * Closes at once. Pipelines take it for an error unless {@link end} came first. Every frame is
   * released. Idempotent.
   */
  close(): void {
    if (this.closed) return;
    this.#stopListening();
    const clients = this.clients.map((client) => () => client.close());
    const steps = [() => this.#socket.close(), ...clients, () => this.#tellWatchers()];
    runAllSteps(steps, 'The server could not be closed');
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `FrameServer { ${inspect(this.path)}, ${this.#clients.size} clients, ${this.closed ? 'closed' : 'open'} }`;
  }

  async #acceptAll(): Promise<void> {
    try {
      for (;;) this.#add(await this.#socket.accept(undefined));
    } catch (error) {
      if (this.closed) return;
      this.#failure = error;
      this.#closeUnheard();
    }
  }

  #add(fd: OwnedFd): void {
    // Between the accept and now, others have run.
    if (this.closed) {
      fd.closeAside();
      return;
    }
    const client = withCleanup((cleanup) => {
      cleanup.defer(() => fd.close());
      return new PipelineClient(new DescriptorStream(this.#context, fd), {
        caps: this.#setup.caps.text,
        heldMax: this.#setup.heldMax,
        onEnd: (ended) => {
          this.#clients.delete(ended);
          this.#tellWatchers();
        },
      });
    });
    this.#clients.add(client);
    if (this.#endingCount > 0) client.endStream();
    this.#tellWatchers();
  }

  #sendPlanned(
    { memories, metas }: FramePlan,
    times: Pick<NewBuffer, 'timestampNs' | 'durationNs'>,
    clients: readonly PipelineClient[],
  ): SentFrame {
    const users = new FrameUsers();
    const id = this.#nextId;
    const memoryKind = kindOf(memories);
    const fds = exportAll(memories.map(({ buffer }) => buffer));
    try {
      const command = writeNewBuffer({ id, ...times, memoryKind, memories }, metas);
      this.#nextId += 1n;
      const clientCount = sendToAll(clients, (client) => client.send({ id, command }, fds, users));
      users.complete();
      return { clientCount, passedOverCount: clients.length - clientCount, released: users.released };
    } finally {
      closeAll(fds);
    }
  }

  /**
   * A pipeline that has not met `GstVideoMeta` yet skips it, and would show the frame wrong. It has
   * met it once it gives its first frame back. Before, it gets copies that need none.
   */
  #sendPadded(
    layout: FrameLayout,
    plan: FramePlan,
    { times, clients }: { times: Pick<NewBuffer, 'timestampNs' | 'durationNs'>; clients: readonly PipelineClient[] },
  ): SentFrame {
    const known = clients.filter((client) => client.releasedCount > 0);
    const others = clients.filter((client) => client.releasedCount === 0);
    // Nobody would get a copy.
    if (!others.some((client) => client.hasRoom)) return this.#sendPlanned(plan, times, clients);
    const packed = packFrame(layout, layoutOfCaps(this.#setup.caps));
    const first = withCleanup((cleanup) => {
      cleanup.defer(() => packed.close());
      return this.#sendPlanned(planFrame(this.#setup.caps, packed.layout), times, others);
    });
    void first.released.then(() => packed.close());
    const sent = this.#sendPlanned(plan, times, known);
    return {
      clientCount: sent.clientCount + first.clientCount,
      passedOverCount: sent.passedOverCount + first.passedOverCount,
      released: sent.released,
    };
  }

  #checkFrame(layout: FrameLayout): FrameLayout {
    const argument = { action: SEND, name: 'layout' };
    if (!FrameLayout.isLayout(layout)) throw wrongType(argument, { must: 'be a FrameLayout', received: layout });
    const { format, width, height } = this.#setup.caps;
    const { fourcc } = videoFormatOf(format).pixels;
    const fits =
      layout.fourcc === fourcc &&
      layout.width === width &&
      layout.height === height &&
      layout.modifier === DRM_FORMAT_MOD_LINEAR;
    if (fits) return layout;
    throw outOfRange(argument, {
      must: `be ${format} ${width}x${height} as the caps are, row by row`,
      received: layout,
    });
  }

  #checkOpen(action: string): void {
    if (!this.closed) return;
    throw new DmaBufError(`Cannot ${action} after the server was closed`, {
      code: 'ERR_DMABUF_CLOSED',
      ...(this.#failure === undefined ? {} : { cause: this.#failure }),
    });
  }

  /** Resolves once it is so. */
  async #until(
    condition: () => boolean,
    { action, signal }: { action: string; signal: AbortSignal | undefined },
  ): Promise<void> {
    for (;;) {
      throwIfAborted(signal);
      if (condition()) return;
      this.#checkOpen(action);
      await new Promise<void>((resolve, reject) => {
        const stopListening = onAbort(signal, (reason) => {
          this.#watchers.delete(changed);
          reject(reason);
        });
        const changed = (): void => {
          stopListening();
          resolve();
        };
        this.#watchers.add(changed);
      });
    }
  }

  #tellWatchers(): void {
    const all = [...this.#watchers];
    this.#watchers.clear();
    for (const tell of all) tell();
  }

  /** Where an error has no caller to go to. */
  #closeUnheard(): void {
    try {
      this.close();
    } catch {
      // The sockets are closed all the same.
    }
  }
}

/**
 * A client that could not be sent to does not keep the frame from others.
 *
 * @returns how many got it
 * @throws what was thrown, where none did
 */
function sendToAll(clients: readonly PipelineClient[], send: (client: PipelineClient) => boolean): number {
  const failures: unknown[] = [];
  const sent = clients.filter((client) => {
    try {
      return send(client);
    } catch (error) {
      failures.push(error);
      return false;
    }
  });
  if (sent.length === 0 && failures.length > 0) throw failures[0];
  return sent.length;
}

function checkNs(value: unknown, name: string): bigint | undefined {
  if (value === undefined) return undefined;
  const argument = { action: SEND, name };
  if (typeof value !== 'bigint') throw wrongType(argument, { must: 'be a bigint', received: value });
  if (value >= 0n && value <= NS_MAX) return value;
  throw outOfRange(argument, { must: `be from 0 to ${NS_MAX}`, received: value });
}

function kindOf(memories: FramePlan['memories']): NewBuffer['memoryKind'] {
  const [kind = 'memfd', ...more] = new Set(
    memories.map(({ buffer }) => (buffer.exporter === 'memfd' ? 'memfd' : 'dma-buf')),
  );
  if (more.length === 0) return kind;
  throw new DmaBufError(
    'Cannot send the frame as one of its buffers is a dma-buf and another is not: allocate all from one heap',
    { code: 'EINVAL' },
  );
}

function paddedRefusal(): DmaBufError {
  return new DmaBufError(
    'Cannot send the frame as its rows or planes do not lie where GStreamer puts them by itself, and a pipeline may ' +
      'show its first frames wrong: lay frames out by describeVideoFrame(), or serve with { padded: true }, which sends ' +
      'copies until a pipeline has given back its first frame',
    { code: 'EINVAL' },
  );
}
