import { throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { readWaitOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { BufferConnection } from './buffer-connection.ts';
import { connectSocket } from './connect-socket.ts';
import { ShareContext } from './share-context.ts';
import { checkSocketAddress } from './socket-address.ts';

/**
 * Connects to a process that listens at `path`. Waits while the listener's queue is full.
 *
 * @param path the listener's; an abstract name begins with NUL
 * @throws {TypeError | RangeError} for an invalid path
 * @throws {DmaBufError} `ECONNREFUSED` or `ENOENT` when no process listens there; `EACCES` when the
 *   file's mode does not allow it; `EPROTOTYPE` when the socket there is not a listener for
 *   messages
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { KiB, openHeap } from 'dmabuf';
 * import { connect, listen } from 'dmabuf/share';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'frames-'));
 * const listener = await listen(join(folder, 'socket'));
 * const near = await connect(join(folder, 'socket')); // in another process, as a rule
 * const far = await listener.accept();
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(64 * KiB, { shareable: true });
 * await near.send({ message: 'a frame', buffers: [buffer] });
 * const received = await far.receive();
 * console.log(received?.text, received?.buffers.length); // a frame 1
 * received?.close();
 * for (const each of [near, far, listener, buffer, heap]) each.close();
 * rmSync(folder, { recursive: true });
 * ```
 */
export async function connect(path: string, options?: WaitOptions): Promise<BufferConnection>;
/** @internal */
export async function connect(path: string, options: WaitOptions, context: ShareContext): Promise<BufferConnection>;
export async function connect(path: string, options: WaitOptions = {}, hidden?: unknown): Promise<BufferConnection> {
  const context = ShareContext.hiddenIn(hidden);
  const action = 'connect';
  checkSocketAddress(path, action);
  const { signal } = readWaitOptions(options, action);
  throwIfAborted(signal);
  const fd = await connectSocket(context.sockets, path, signal);
  return withCleanup((cleanup) => {
    cleanup.defer(() => fd.close());
    return new BufferConnection(context, fd);
  });
}
