import { checkSignal, throwIfAborted } from '../base/abort.ts';
import { contradiction } from '../base/argument-error.ts';
import { checkBoolean, checkInteger, readOptions } from '../base/check.ts';
import { withCleanup } from '../base/cleanup.ts';
import { isAbstractAddress } from '../linux/calls/unix-socket-address.ts';
import { ShareContext } from '../share/connection/share-context.ts';
import { checkSocketAddress } from '../share/connection/socket-address.ts';
import { listenAt } from '../share/listener/accepting-socket.ts';
import { checkCaps } from './describe-video-frame.ts';
import { FrameServer } from './frame-server.ts';

/** Options of {@link serveFrames}. */
export interface ServeFramesOptions {
  /**
   * Of raw video, as in a pipeline:
   * `video/x-raw,format=NV12,width=1920,height=1080,framerate=30/1`.
   */
  readonly caps: string;
  /**
   * How many frames a pipeline may have at a time. One that has as many is passed over, until it
   * gives some back. Default: 16.
   */
  readonly heldMax?: number | undefined;
  /**
   * Also takes frames whose rows or planes do not lie where GStreamer puts them by itself, for
   * pipelines that use `GstVideoMeta`, as those with `videoconvert` do. Each pipeline gets copies
   * until it has given back its first frame. Default: false.
   */
  readonly padded?: boolean | undefined;
  /** The mode of the socket file: write permission allows a process to connect. Default: 0o600. */
  readonly mode?: number | undefined;
  /** Closes the server. */
  readonly signal?: AbortSignal | undefined;
}

const ACTION = 'serve frames';
const HELD_DEFAULT = 16;
const HELD_MAX = 1024;
const MODE_DEFAULT = 0o600;
const MODE_MAX = 0o777;
const BACKLOG = 64;

/**
 * Serves frames to GStreamer pipelines that begin with `unixfdsrc socket-path=PATH` (GStreamer 1.24
 * or later), without a copy: memfds or dma-bufs. Pipelines may come and go at any time.
 *
 * @param path of the socket, at most 107 bytes, as `listen()` takes it
 * @throws {TypeError | RangeError} for an invalid path or option, and caps of another kind or of a
 *   format that is not known here
 * @throws {DmaBufError} `EADDRINUSE` when a process listens there; the other errors of `listen()`
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * // gst-launch-1.0 unixfdsrc socket-path=/tmp/frames ! videoconvert ! autovideosink
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { openHeap } from 'dmabuf';
 * import { describeVideoFrame, serveFrames } from 'dmabuf/gstreamer';
 * import { FrameLayout } from 'dmabuf/picture';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'frames-'));
 * const caps = 'video/x-raw,format=NV12,width=640,height=480,framerate=30/1';
 * const server = await serveFrames(join(folder, 'frames'), { caps });
 * const heap = openHeap('system');
 * const description = describeVideoFrame(caps);
 * const buffer = heap.allocate(description.length, { shareable: true });
 * const sent = server.send(new FrameLayout(description, [buffer]));
 * await sent.released;
 * console.log(sent.clientCount); // 0
 * for (const each of [server, buffer, heap]) each.close();
 * rmSync(folder, { recursive: true });
 * ```
 */
export async function serveFrames(path: string, options: ServeFramesOptions): Promise<FrameServer>;
/** @internal */
export async function serveFrames(
  path: string,
  options: ServeFramesOptions,
  context: ShareContext,
): Promise<FrameServer>;
export async function serveFrames(path: string, options: ServeFramesOptions, hidden?: unknown): Promise<FrameServer> {
  const context = ShareContext.hiddenIn(hidden);
  checkSocketAddress(path, ACTION);
  const plain = readOptions(options, ACTION, ['caps', 'heldMax', 'padded', 'mode', 'signal']);
  const { heldMax = HELD_DEFAULT, padded = false, mode = MODE_DEFAULT, signal } = plain;
  const caps = checkCaps(plain.caps, { action: ACTION, name: 'caps' });
  checkInteger(heldMax, { action: ACTION, name: 'heldMax', min: 1, max: HELD_MAX });
  checkBoolean(padded, { action: ACTION, name: 'padded' });
  checkInteger(mode, { action: ACTION, name: 'mode', min: 0, max: MODE_MAX });
  if (isAbstractAddress(path) && plain.mode !== undefined)
    throw contradiction({ action: ACTION, name: 'mode' }, 'path', 'contradict: an abstract name has no file');
  if (signal !== undefined) checkSignal(signal, { action: ACTION, name: 'signal' });
  throwIfAborted(signal);
  const streams = { sockets: context.streams, readiness: context.readiness, locks: context.locks };
  return await Promise.resolve(
    withCleanup((cleanup) => {
      const socket = listenAt(streams, { path, mode, backlog: BACKLOG });
      cleanup.defer(() => socket.close());
      return new FrameServer(context, socket, { path, caps, heldMax, padded, signal });
    }),
  );
}
