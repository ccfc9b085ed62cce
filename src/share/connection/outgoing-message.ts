import { types } from 'node:util';

import { outOfRange, wrongType } from '../../base/argument-error.ts';
import type { Argument } from '../../base/argument-error.ts';
import { readOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { copyOfBytes } from '../../base/typed-array.ts';
import { checkUtf8Text } from '../../base/utf8-text.ts';
import { DmaBuf } from '../../heap/dma-buf.ts';
import { SyncFile } from '../../heap/sync-file.ts';
import { closeAll } from '../../linux/calls/close-all.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { DESCRIPTOR_COUNT_MAX } from '../../linux/calls/unix-socket-packet.ts';
import { FrameLayout } from '../../picture/frame-layout.ts';
import { exportAll } from './export-all.ts';
import type { FrameRecord } from './frame-record.ts';
import { describeBuffer } from './import-descriptor.ts';
import { MESSAGE_BYTES_MAX, encodeMessage } from './message-header.ts';

/** An array's true length: a subclass may override `length`. */
// eslint-disable-next-line typescript/unbound-method -- called with the array, below
const readLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')?.get as (
  this: Uint8Array,
) => number;

const ACTION = 'send the message';
const MESSAGE: Argument = { action: ACTION, name: 'content.message' };

/** The contents of a message. All of them are optional. */
export interface OutgoingMessage {
  /** At most 64 KiB; a string as UTF-8. */
  readonly message?: Uint8Array | string | undefined;
  /**
   * Together with the sync files at most 253 (SCM_MAX_FD). The caller keeps them, and the receiver
   * gets its own.
   */
  readonly buffers?: readonly DmaBuf[] | undefined;
  /** Sync files to pass on. The sender keeps them, and closes them. */
  readonly syncFiles?: readonly SyncFile[] | undefined;
  /** A picture, whose buffers are sent too: after `buffers`, unless they are among them. */
  readonly frame?: FrameLayout | undefined;
}

/** The contents in values of our own: the caller may change the originals. */
interface MessageContents {
  readonly message: Uint8Array;
  readonly buffers: readonly DmaBuf[];
  readonly syncFiles: readonly SyncFile[];
  readonly frame: FrameLayout | undefined;
}

/** A message with descriptors of its own: the originals may be closed before it is sent. */
export interface PackedMessage {
  readonly bytes: Uint8Array;
  readonly fds: readonly OwnedFd[];
  close(): void;
}

/**
 * Reads the contents once. No code of the caller runs afterwards.
 *
 * @throws {TypeError | RangeError} for contents that cannot be sent
 */
export function readMessage(content: OutgoingMessage): MessageContents {
  const plain = readOptions(content, ACTION, ['message', 'buffers', 'syncFiles', 'frame'], 'content');
  const message = readBytes(plain.message ?? '');
  const frame = readFrame(plain.frame);
  const ownBuffers = readAll(plain.buffers ?? [], {
    name: 'content.buffers',
    kind: 'DmaBuf',
    isKind: (value) => DmaBuf.isBuffer(value),
  });
  const buffers = withBuffersOf(frame, ownBuffers);
  const syncFiles = readAll(plain.syncFiles ?? [], {
    name: 'content.syncFiles',
    kind: 'SyncFile',
    isKind: (value) => SyncFile.isSyncFile(value),
  });
  checkDescriptorCount('content', buffers.length + syncFiles.length);
  return { message, buffers, syncFiles, frame };
}

/**
 * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`;
 *   `ERR_DMABUF_CLOSED` for one that was closed
 */
export function prepareMessage({ message, buffers, syncFiles, frame }: MessageContents): PackedMessage {
  return withCleanup((cleanup) => {
    const fds = exportAll([...buffers, ...syncFiles]);
    cleanup.defer(() => closeAll(fds));
    const syncFile = { kind: 'sync-file', length: 0, name: '' } as const;
    const descriptors = [...buffers.map(describeBuffer), ...syncFiles.map(() => syncFile)];
    const bytes = encodeMessage({ descriptors, frame: frame && recordOf(frame, buffers), message });
    return { bytes, fds, close: () => closeAll(fds) };
  });
}

function readFrame(frame: unknown): FrameLayout | undefined {
  if (frame === undefined || FrameLayout.isLayout(frame)) return frame;
  throw wrongType({ action: ACTION, name: 'content.frame' }, { must: 'be a FrameLayout', received: frame });
}

function withBuffersOf(frame: FrameLayout | undefined, buffers: readonly DmaBuf[]): DmaBuf[] {
  const more = new Set(frame?.buffers.filter((buffer) => !buffers.includes(buffer)));
  return [...buffers, ...more];
}

function recordOf({ description, buffers }: FrameLayout, sent: readonly DmaBuf[]): FrameRecord {
  return { fields: description, descriptors: buffers.map((buffer) => sent.indexOf(buffer)) };
}

function readBytes(message: unknown): Uint8Array {
  if (typeof message === 'string') return encode(message);
  // Of any realm, but never a proxy, which would run the caller's code for every byte.
  if (types.isUint8Array(message)) return copyOf(message);
  throw wrongType(MESSAGE, { must: 'be a Uint8Array or a string', received: message });
}

function encode(text: string): Uint8Array {
  checkByteCount(Buffer.byteLength(text));
  return new TextEncoder().encode(checkUtf8Text(text, MESSAGE));
}

function copyOf(bytes: Uint8Array): Uint8Array {
  checkByteCount(readLength.call(bytes));
  return copyOfBytes(bytes, MESSAGE);
}

/** A copy: a list's getters, or a proxy, may give another object at every access. */
function readAll<Kind extends object>(
  list: unknown,
  { name, kind, isKind }: { name: string; kind: string; isKind: (value: unknown) => value is Kind },
): Kind[] {
  const copy = Array.isArray(list) ? copyOfList(list, name) : undefined;
  if (copy?.every((each): each is Kind => isKind(each)) === true) return copy;
  throw wrongType({ action: ACTION, name }, { must: `be an array of ${kind}`, received: list });
}

function copyOfList(list: readonly unknown[], name: string): unknown[] {
  const { length } = list;
  checkDescriptorCount(name, length);
  return Array.from({ length }, (_, index) => list[index]);
}

function checkDescriptorCount(name: string, count: number): void {
  if (count <= DESCRIPTOR_COUNT_MAX) return;
  const must = `have at most ${DESCRIPTOR_COUNT_MAX} buffers and sync files`;
  throw outOfRange({ action: ACTION, name }, { must, received: count });
}

function checkByteCount(count: number): void {
  if (count <= MESSAGE_BYTES_MAX) return;
  throw outOfRange(MESSAGE, { must: `have at most ${MESSAGE_BYTES_MAX} bytes`, received: count });
}
