import { types } from 'node:util';

import { wrongType } from '../base/argument-error.ts';
import { FD_MAX } from '../base/limits.ts';
import { byteLengthOfShared } from '../base/typed-array.ts';
import { SharedControl } from './shared-control.ts';

declare const HANDLE: unique symbol;

/**
 * The result of `buffer.toHandle()`: plain data to post to a worker thread of this process, which
 * opens it with `openHandle`. It holds the buffer until it was opened once.
 *
 * Its other properties are internal, and may change.
 */
export interface BufferHandle {
  /** Marks a handle for message handlers. */
  readonly type: 'dmabuf-handle';
  /** Only `toHandle()` makes handles. */
  readonly [HANDLE]: true;
}

/** The contents of a handle. */
export interface HandleContents {
  readonly name: string;
  readonly length: number;
  /** Whether this process may only read the buffer. */
  readonly readOnly: boolean;
  readonly shared: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly ticket: Int32Array<SharedArrayBuffer>;
  /**
   * The dma-buf behind it, if there is one: the descriptor's number in the thread that allocated
   * it, and the inode that identifies the file.
   */
  readonly dmaBufFd: number | undefined;
  readonly dmaBufInode: number | undefined;
}

export function makeHandle(contents: HandleContents): BufferHandle {
  return { type: 'dmabuf-handle', ...contents } as unknown as BufferHandle;
}

/**
 * Reads a handle, each property once: it is data from another thread, or a caller has made it up.
 */
export function checkHandle(
  handle: BufferHandle,
  action: string,
): { control: SharedControl; contents: HandleContents } {
  const contents = readHandle(handle);
  if (contents !== undefined) return { control: new SharedControl(contents.control), contents };
  throw wrongType({ action, name: 'handle' }, { must: 'come from toHandle()', received: handle });
}

type UncheckedHandle = Readonly<Partial<Record<'type' | keyof HandleContents, unknown>>>;

function readHandle(handle: UncheckedHandle): HandleContents | undefined {
  if (handle === null || typeof handle !== 'object') return undefined;
  const { type, name, length, readOnly, shared, byteOffset, control, ticket, dmaBufFd, dmaBufInode } = handle;
  if (type !== 'dmabuf-handle' || typeof name !== 'string' || typeof readOnly !== 'boolean') return undefined;
  if (!isPlace(shared, byteOffset, length)) return undefined;
  if (!isFdOrNone(dmaBufFd) || (dmaBufInode !== undefined && !isCount(dmaBufInode))) return undefined;
  if (!SharedControl.isControl(control) || !SharedControl.isTicket(ticket)) return undefined;
  return { name, length, readOnly, shared, byteOffset, control, ticket, dmaBufFd, dmaBufInode } as HandleContents;
}

/** Whether the memory contains the buffer. */
function isPlace(shared: unknown, byteOffset: unknown, length: unknown): boolean {
  if (!types.isSharedArrayBuffer(shared) || !isCount(byteOffset) || !isCount(length)) return false;
  return length > 0 && byteOffset + length <= byteLengthOfShared(shared);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isFdOrNone(value: unknown): boolean {
  return value === undefined || (isCount(value) && value <= FD_MAX);
}
