import { checkInteger, readOptions } from '../base/check.ts';
import { checkSignal, throwIfAborted } from '../base/abort.ts';
import { withCleanup } from '../base/cleanup.ts';
import { ShareContext } from '../share/connection/share-context.ts';
import { connectStream } from '../share/stream/connect-stream.ts';
import { PipelineFrames } from './pipeline-frames.ts';

/** Options of {@link receiveFrames}. */
export interface ReceiveFramesOptions {
  /**
   * How many frames may wait to be read; the oldest are given back, and counted. 1: only the newest
   * one. Default: 1.
   */
  readonly backlog?: number | undefined;
  /**
   * How many files of the pipeline stay imported, so that their windows need not be mapped anew for
   * each frame. Default: 32.
   */
  readonly importsMax?: number | undefined;
  /** Ends receiving. */
  readonly signal?: AbortSignal | undefined;
}

const ACTION = 'receive frames';
const BACKLOG_MAX = 1024;
const IMPORTS_MAX = 1024;
const IMPORTS_DEFAULT = 32;

/**
 * Receives the frames of a GStreamer pipeline that ends in `unixfdsink socket-path=PATH` (GStreamer
 * 1.24 or later), without a copy: memfds, or the dma-bufs of a camera (`v4l2src io-mode=dmabuf`).
 * Close each frame, so that the pipeline can fill its memory again.
 *
 * @param path of the sink's socket
 * @throws {TypeError | RangeError} for an invalid path or option
 * @throws {DmaBufError} `ECONNREFUSED` or `ENOENT` when no pipeline listens there
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * // gst-launch-1.0 videotestsrc ! video/x-raw,format=NV12 ! unixfdsink socket-path=/tmp/frames
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { openHeap } from 'dmabuf';
 * import { describeVideoFrame, receiveFrames, serveFrames } from 'dmabuf/gstreamer';
 * import { FrameLayout } from 'dmabuf/picture';
 *
 * // In the place of the pipeline.
 * const folder = mkdtempSync(join(tmpdir(), 'frames-'));
 * const caps = 'video/x-raw,format=NV12,width=640,height=480';
 * const server = await serveFrames(join(folder, 'frames'), { caps });
 * const heap = openHeap('system');
 * const description = describeVideoFrame(caps);
 * const buffer = heap.allocate(description.length, { shareable: true });
 *
 * const frames = await receiveFrames(server.path);
 * await server.whenConnected();
 * server.send(new FrameLayout(description, [buffer]));
 * for await (const { layout } of frames) {
 *   console.log(layout.width, layout.description.format?.name); // 640 NV12
 *   break; // closes the frame, and the connection
 * }
 * for (const each of [server, buffer, heap]) each.close();
 * rmSync(folder, { recursive: true });
 * ```
 */
export async function receiveFrames(path: string, options?: ReceiveFramesOptions): Promise<PipelineFrames>;
/** @internal */
export async function receiveFrames(
  path: string,
  options: ReceiveFramesOptions,
  context: ShareContext,
): Promise<PipelineFrames>;
export async function receiveFrames(
  path: string,
  options: ReceiveFramesOptions = {},
  hidden?: unknown,
): Promise<PipelineFrames> {
  const context = ShareContext.hiddenIn(hidden);
  const plain = readOptions(options, ACTION, ['backlog', 'importsMax', 'signal']);
  const { backlog = 1, importsMax = IMPORTS_DEFAULT, signal } = plain;
  checkInteger(backlog, { action: ACTION, name: 'backlog', min: 1, max: BACKLOG_MAX });
  checkInteger(importsMax, { action: ACTION, name: 'importsMax', min: 1, max: IMPORTS_MAX });
  if (signal !== undefined) checkSignal(signal, { action: ACTION, name: 'signal' });
  const stream = await connectStream(path, { signal }, context);
  return withCleanup((cleanup) => {
    cleanup.defer(() => stream.destroy());
    // It may have been aborted since the connection was there.
    throwIfAborted(signal);
    return new PipelineFrames(stream, { machine: context.machine, backlog, importsMax, signal });
  });
}
