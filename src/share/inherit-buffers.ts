import { inspect } from 'node:util';

import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { BUFFER_NAME_BYTES_MAX } from '../base/limits.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import type { BorrowedFd, OwnedFd } from '../linux/fd.ts';
import { describeBuffer, importDescribedBuffer } from './import-descriptor.ts';
import { STANDARD_PLACE_COUNT, checkStdio, inheritanceRefusal, readInherited } from './inheritance.ts';
import type { InheritOptions, InheritedOptions, StdioSlot } from './inheritance.ts';
import type { DescribedDescriptor } from './message-header.ts';
import { shareSurroundings } from './share-surroundings.ts';
import type { ShareSurroundings } from './share-surroundings.ts';

const VARIABLE = 'DMABUF_INHERITED_BUFFERS';
const GIVE = 'let a child inherit the buffers';
const TAKE = 'take the inherited buffers';

interface InheritedBuffer extends DescribedDescriptor {
  readonly fd: number;
}

/** What to spawn a child with. */
export interface BuffersToInherit {
  /** For `spawn`: the places given, and one for each buffer behind them. The place of a buffer is the number of its descriptor in the child. */
  readonly stdio: StdioSlot[];
  /** For `spawn`, together with the rest of the environment. As JSON: of each buffer the descriptor, kind, length and name. */
  readonly env: Record<string, string>;
  /** Closes what was only there to be inherited: call it once the child is spawned. The buffers stay open. Again: does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Prepares a child process that has buffers from its start, under descriptors of its own. It takes them with {@link takeInheritedBuffers}; a
 * program in any other language, by the numbers.
 *
 * @throws {TypeError} for what is no buffer, or no `stdio`
 * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`
 */
export function inheritBuffers(buffers: readonly DmaBuf[], options: InheritOptions = {}): BuffersToInherit {
  const before = checkStdio(options, GIVE);
  if (!Array.isArray(buffers) || !buffers.every((each) => each instanceof DmaBuf))
    throw new TypeError(
      `Cannot ${GIVE} as they must be an array of DmaBuf: current value is ${inspect(buffers, { depth: 1 })}`,
    );
  return withCleanup((cleanup) => {
    const fds = buffers.map((buffer) => {
      const fd = buffer.exportFd();
      cleanup.defer(() => fd.close());
      return fd;
    });
    const described = buffers.map((buffer, index) => ({ fd: before.length + index, ...describeBuffer(buffer) }));
    const stdio = [...before, ...fds.map((fd) => fd.borrow())];
    const close = (): void => closeAll(fds);
    return { stdio, env: { [VARIABLE]: JSON.stringify(described) }, close, [Symbol.dispose]: close };
  });
}

/**
 * Takes the buffers that this process was spawned with, in their order. Once: they are yours to close.
 *
 * @throws {DmaBufError} `ENOENT` when there are none, or they were taken before; `EPROTO` when a descriptor is not what was announced; what
 *   `importBuffer` throws. Then none is taken, and no descriptor closed: it may be somebody else's
 */
export function takeInheritedBuffers(options: InheritedOptions = {}): DmaBuf[] {
  return takeInheritedBuffersWithin(shareSurroundings(), options);
}

/** As {@link takeInheritedBuffers}, in other surroundings. @internal */
export function takeInheritedBuffersWithin(surroundings: ShareSurroundings, options: InheritedOptions = {}): DmaBuf[] {
  const { text, taken } = readInherited(VARIABLE, options, TAKE);
  const announced = parseAnnouncement(text);
  return withCleanup((cleanup) => {
    const buffers = announced.map((each) => {
      const buffer = importDescribedBuffer(surroundings, each.fd as BorrowedFd, each);
      cleanup.defer(() => buffer.close());
      return buffer;
    });
    // Buffers have descriptors of their own. The inherited ones would go on to every child of this process.
    taken();
    closeNumbers(surroundings, announced);
    return buffers;
  });
}

function closeNumbers({ sockets }: ShareSurroundings, inherited: readonly InheritedBuffer[]): void {
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
