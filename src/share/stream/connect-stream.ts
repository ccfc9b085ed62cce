import { throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { readWaitOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { connectSocket } from '../connection/connect-socket.ts';
import { ShareContext } from '../connection/share-context.ts';
import { checkSocketAddress } from '../connection/socket-address.ts';
import { DescriptorStream } from './descriptor-stream.ts';

/**
 * Connects to a program that listens at `path` for streams of bytes with descriptors beside them:
 * a D-Bus daemon, a Wayland compositor, PipeWire, a GStreamer pipeline. Waits while the listener's
 * queue is full.
 *
 * @param path the listener's; an abstract name begins with NUL
 * @throws {TypeError | RangeError} for an invalid path
 * @throws {DmaBufError} `ECONNREFUSED` or `ENOENT` when no process listens there; `EACCES` when the
 *   file's mode does not allow it; `EPROTOTYPE` when the socket there takes packets
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { createServer } from 'node:net';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { connectStream } from 'dmabuf/share';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'stream-'));
 * const server = createServer((socket) => socket.pipe(socket)).listen(join(folder, 'socket'));
 * await once(server, 'listening');
 * const stream = await connectStream(join(folder, 'socket'));
 * stream.on('fds', (fds: number[]) => stream.closeFds(fds)); // or OwnedFd.adopt() of each
 * stream.write('hello'); // or writeWithFds(bytes, fds)
 * const [bytes] = await once(stream, 'data');
 * console.log(String(bytes)); // hello
 * stream.destroy();
 * server.close();
 * rmSync(folder, { recursive: true });
 * ```
 */
export async function connectStream(path: string, options?: WaitOptions): Promise<DescriptorStream>;
/** @internal */
export async function connectStream(
  path: string,
  options: WaitOptions,
  context: ShareContext,
): Promise<DescriptorStream>;
export async function connectStream(
  path: string,
  options: WaitOptions = {},
  hidden?: unknown,
): Promise<DescriptorStream> {
  const context = ShareContext.hiddenIn(hidden);
  const action = 'connect the stream';
  checkSocketAddress(path, action);
  const { signal } = readWaitOptions(options, action);
  throwIfAborted(signal);
  const fd = await connectSocket(context.streams, path, signal);
  return withCleanup((cleanup) => {
    cleanup.defer(() => fd.close());
    return new DescriptorStream(context, fd);
  });
}
