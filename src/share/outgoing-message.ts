import { inspect } from 'node:util';

import { checkOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import { SyncFile } from '../heap/sync-file.ts';
import type { OwnedFd } from '../linux/fd.ts';
import { DESCRIPTOR_COUNT_MAX } from '../linux/unix-socket-packet.ts';
import { describeBuffer } from './import-descriptor.ts';
import { MESSAGE_BYTES_MAX, encodeMessage } from './message-header.ts';

/** What to send. All of it is optional. */
export interface MessageToSend {
  /** At most 64 KiB; a string as UTF-8. */
  readonly message?: Uint8Array | string | undefined;
  /** Together with the sync files at most 253 (SCM_MAX_FD). They stay yours: the receiver gets its own. */
  readonly buffers?: readonly DmaBuf[] | undefined;
  readonly syncFiles?: readonly SyncFile[] | undefined;
}

/** A message with descriptors of its own: what it was made of may be closed or changed before it is sent. */
export interface OutgoingMessage {
  readonly bytes: Uint8Array;
  readonly fds: readonly OwnedFd[];
  close(): void;
}

/**
 * @throws {TypeError | RangeError} for what cannot be sent
 * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that was not allocated with `shareable: true`; `ERR_DMABUF_CLOSED` for one that was closed
 */
export function prepareMessage(content: MessageToSend): OutgoingMessage {
  checkOptions(content, 'send the message', ['message', 'buffers', 'syncFiles']);
  const message = toBytes(content.message ?? '');
  const buffers = checkAll(content.buffers ?? [], 'buffers', DmaBuf);
  const syncFiles = checkAll(content.syncFiles ?? [], 'syncFiles', SyncFile);
  checkMax('bytes', message.length, MESSAGE_BYTES_MAX);
  checkMax('buffers and sync files', buffers.length + syncFiles.length, DESCRIPTOR_COUNT_MAX);
  return withCleanup((cleanup) => {
    const fds = [...buffers, ...syncFiles].map((each) => {
      const fd = each.exportFd();
      cleanup.defer(() => fd.close());
      return fd;
    });
    const syncFile = { kind: 'sync-file', length: 0, name: '' } as const;
    const descriptors = [...buffers.map(describeBuffer), ...syncFiles.map(() => syncFile)];
    return { bytes: encodeMessage({ descriptors, message }), fds, close: () => closeAll(fds) };
  });
}

function toBytes(message: unknown): Uint8Array {
  if (typeof message === 'string') return new TextEncoder().encode(message);
  if (message instanceof Uint8Array) return message;
  throw new TypeError(
    `Cannot send the message as it must be a Uint8Array or a string: current value is ${inspect(message)}`,
  );
}

function checkAll<Kind extends object>(
  list: unknown,
  what: string,
  kind: abstract new (...values: never[]) => Kind,
): Kind[] {
  if (Array.isArray(list) && list.every((each): each is Kind => each instanceof kind)) return list;
  throw new TypeError(
    `Cannot send the ${what} as they must be an array of ${kind.name}: current value is ${inspect(list, { depth: 1 })}`,
  );
}

function checkMax(what: string, count: number, max: number): void {
  if (count > max)
    throw new RangeError(`Cannot send the message as it may have at most ${max} ${what}: current value is ${count}`);
}

function closeAll(fds: readonly OwnedFd[]): void {
  runAllSteps(
    fds.map((fd) => () => fd.close()),
    'Several descriptors of the message could not be closed',
  );
}
