import { wrongType } from '../../base/argument-error.ts';
import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { BUFFER_NAME_BYTES_MAX } from '../../base/limits.ts';
import { readArray } from '../../base/read-array.ts';
import { DmaBuf } from '../../heap/dma-buf.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import { describeBuffer, importDescribedBuffer } from '../connection/import-descriptor.ts';
import { STANDARD_PLACE_COUNT, readStdio, inheritanceRefusal, readInherited } from './inheritance.ts';
import type { ForChildOptions, TakeInheritedOptions, StdioSlot } from './inheritance.ts';
import type { DescribedDescriptor } from '../connection/message-header.ts';
import { ShareContext } from '../connection/share-context.ts';

const VARIABLE = 'DMABUF_INHERITED_BUFFERS';
const GIVE = 'let a child inherit the buffers';
const TAKE = 'take the inherited buffers';

interface InheritedBuffer extends DescribedDescriptor {
  readonly fd: number;
}

/** The arguments for spawning a child. */
export interface BuffersForChild {
  /**
   * For `spawn`: the given places, followed by one per buffer. The place of a buffer is the number
   * of its descriptor in the child.
   */
  readonly stdio: StdioSlot[];
  /**
   * For `spawn`, together with the rest of the environment. As JSON: the descriptor, kind, length
   * and name of each buffer.
   */
  readonly env: Record<string, string>;
  /**
   * Closes the descriptors that exist only for the child: call it once the child is spawned. The
   * buffers stay open. Idempotent.
   */
  close(): void;
  /** For `using`: closes. */
  [Symbol.dispose](): void;
}

/**
 * Prepares a child process that has buffers from its start, under descriptors of its own. It takes
 * them with {@link takeInheritedBuffers}, or by their numbers in any other language.
 *
 * @throws {TypeError} for an invalid buffer or `stdio`
 * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`
 *
 * @example
 * ```ts
 * import { spawn } from 'node:child_process';
 * import { once } from 'node:events';
 * import { fileURLToPath } from 'node:url';
 * import { KiB, openHeap } from 'dmabuf';
 * import { buffersForChild, takeInheritedBuffers } from 'dmabuf/share';
 *
 * if (process.argv[2] === 'child') {
 *   for (const buffer of takeInheritedBuffers()) {
 *     buffer.accessSync('write', (bytes) => bytes.fill(7));
 *     buffer.close();
 *   }
 * } else {
 *   const heap = openHeap('system');
 *   const buffer = heap.allocate(64 * KiB, { shareable: true });
 *   using given = buffersForChild([buffer]);
 *   const words = [...process.execArgv, fileURLToPath(import.meta.url), 'child'];
 *   const child = spawn(process.execPath, words, { stdio: given.stdio, env: { ...process.env, ...given.env } });
 *   await once(child, 'exit');
 *   console.log(buffer.accessSync('read', (bytes) => bytes[0])); // 7
 *   buffer.close();
 *   heap.close();
 * }
 * ```
 */
export function buffersForChild(buffers: readonly DmaBuf[], options: ForChildOptions = {}): BuffersForChild {
  const before = readStdio(options, GIVE);
  const given = readArray(buffers, { action: GIVE, name: 'buffers' }, checkBuffer);
  return withCleanup((cleanup) => {
    const fds = given.map((buffer) => {
      const fd = buffer.exportFd();
      cleanup.defer(() => fd.close());
      return fd;
    });
    const described = given.map((buffer, index): InheritedBuffer => {
      const { kind, length, name } = describeBuffer(buffer);
      return { fd: before.length + index, kind, length, name };
    });
    const stdio = [...before, ...fds.map((fd) => fd.borrow())];
    const close = (): void => closeAll(fds);
    return { stdio, env: { [VARIABLE]: JSON.stringify(described) }, close, [Symbol.dispose]: close };
  });
}

function checkBuffer(buffer: unknown, index: number): DmaBuf {
  if (DmaBuf.isBuffer(buffer)) return buffer;
  throw wrongType({ action: GIVE, name: `buffers[${index}]` }, { must: 'be a DmaBuf', received: buffer });
}

/**
 * Takes the buffers that this process was spawned with, in their order. Works once. Close them when
 * done.
 *
 * @throws {DmaBufError} `ENOENT` when there are none, or they were taken before; `EPROTO` when a
 *   descriptor differs from its announcement; the errors of `importBuffer`. No buffer is taken
 *   then, and no descriptor closed, because it may belong to other code
 *
 * @example
 * ```ts
 * import { spawn } from 'node:child_process';
 * import { once } from 'node:events';
 * import { fileURLToPath } from 'node:url';
 * import { KiB, openHeap } from 'dmabuf';
 * import { buffersForChild, takeInheritedBuffers } from 'dmabuf/share';
 *
 * if (process.argv[2] === 'child') {
 *   for (const buffer of takeInheritedBuffers()) {
 *     buffer.accessSync('write', (bytes) => bytes.fill(7));
 *     buffer.close();
 *   }
 * } else {
 *   const heap = openHeap('system');
 *   const buffer = heap.allocate(64 * KiB, { shareable: true });
 *   using given = buffersForChild([buffer]);
 *   const words = [...process.execArgv, fileURLToPath(import.meta.url), 'child'];
 *   const child = spawn(process.execPath, words, { stdio: given.stdio, env: { ...process.env, ...given.env } });
 *   await once(child, 'exit');
 *   console.log(buffer.accessSync('read', (bytes) => bytes[0])); // 7
 *   buffer.close();
 *   heap.close();
 * }
 * ```
 */
export function takeInheritedBuffers(options?: TakeInheritedOptions): DmaBuf[];
/** @internal */
export function takeInheritedBuffers(options: TakeInheritedOptions, context: ShareContext): DmaBuf[];
export function takeInheritedBuffers(options: TakeInheritedOptions = {}, hidden?: unknown): DmaBuf[] {
  const context = ShareContext.hiddenIn(hidden);
  const { text, taken } = readInherited(VARIABLE, options, TAKE);
  const announced = parseAnnouncement(text);
  return withCleanup((cleanup) => {
    const buffers = announced.map((each) => {
      const buffer = importDescribedBuffer(context, each.fd as BorrowedFd, each);
      cleanup.defer(() => buffer.close());
      return buffer;
    });
    // Buffers have duplicates. The inherited descriptors would go on to every child of this
    // process.
    taken();
    closeNumbers(context, announced);
    return buffers;
  });
}

function closeNumbers({ sockets }: ShareContext, inherited: readonly InheritedBuffer[]): void {
  const steps = inherited.map(
    ({ fd }) =>
      () =>
        sockets.closeNumber(fd),
  );
  runAllSteps(steps, 'Several inherited descriptors could not be closed');
}

function closeAll(fds: readonly OwnedFd[]): void {
  runAllSteps(
    fds.map((fd) => () => fd.close()),
    'Several descriptors of buffers to inherit could not be closed',
  );
}

function parseAnnouncement(text: string): readonly InheritedBuffer[] {
  const parsed = parseJson(text);
  if (!Array.isArray(parsed) || !parsed.every(isInheritedBuffer)) throw inheritanceRefusal(VARIABLE, text, TAKE);
  if (new Set(parsed.map(({ fd }) => fd)).size !== parsed.length) throw inheritanceRefusal(VARIABLE, text, TAKE);
  return parsed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isBufferName(name: unknown): boolean {
  return typeof name === 'string' && Buffer.byteLength(name) <= BUFFER_NAME_BYTES_MAX && !name.includes('\0');
}

function isInheritedBuffer(value: unknown): value is InheritedBuffer {
  if (typeof value !== 'object' || value === null) return false;
  const { fd, kind, length, name } = value as Record<string, unknown>;
  const isPlace = Number.isSafeInteger(fd) && (fd as number) >= STANDARD_PLACE_COUNT;
  return isPlace && (kind === 'dma-buf' || kind === 'memfd') && typeof length === 'number' && isBufferName(name);
}
