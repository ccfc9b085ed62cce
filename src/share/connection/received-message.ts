import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { SyncFile } from '../../heap/sync-file.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import type { PeerCredentials, ReceivedPacket, UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import { FrameDescription } from '../../picture/frame-description.ts';
import { FrameLayout } from '../../picture/frame-layout.ts';
import type { FrameRecord } from './frame-record.ts';
import { importDescribedBuffer } from './import-descriptor.ts';
import { MESSAGE_BYTES_MAX, decodeMessage } from './message-header.ts';
import type { DescribedDescriptor } from './message-header.ts';
import type { ShareContext } from './share-context.ts';

const DESCRIPTORS_REMEDY = 'close some descriptors, or raise the limit with "ulimit -n"';

/**
 * A received message, with its buffers and sync files. You own these: close them one by one, or all
 * by {@link close}.
 */
export class ReceivedMessage {
  /** The sent bytes, or the sent text in UTF-8. */
  readonly message: Uint8Array;
  /** In the sender's order. */
  readonly buffers: readonly DmaBuf[];
  /** In the sender's order. Close them when done. */
  readonly syncFiles: readonly SyncFile[];
  /** The picture in the buffers, if the sender announced one. It was checked against them. */
  readonly frame: FrameLayout | undefined;
  /** The process at the other end, as the kernel reports it. */
  readonly peer: PeerCredentials;

  /** @internal */
  constructor(content: Pick<ReceivedMessage, 'message' | 'buffers' | 'syncFiles' | 'frame' | 'peer'>) {
    this.message = content.message;
    this.buffers = content.buffers;
    this.syncFiles = content.syncFiles;
    this.frame = content.frame;
    this.peer = content.peer;
  }

  /** The message as UTF-8, exactly as it was sent: a byte order mark at its start is kept. */
  get text(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.message);
  }

  /** Closes every buffer and sync file of the message. */
  close(): void {
    const steps = [...this.syncFiles, ...this.buffers].map((each) => () => each.close());
    runAllSteps(steps, 'Several of the buffers received could not be closed');
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a message from a packet, or closes every descriptor that came with it.
 *
 * @throws {DmaBufError} `EPROTO` unless it is one whole message of this package that matches its
 *   announcements; `EMSGSIZE` for a message that is too long; `EMFILE` when the kernel could not
 *   deliver all its descriptors; the errors of `importBuffer` and `SyncFile.fromFd`
 */
export function openReceivedMessage(
  context: ShareContext,
  packet: ReceivedPacket,
  peer: PeerCredentials,
): ReceivedMessage {
  return withCleanup((cleanup) => {
    // Closing unidentified descriptors may block.
    for (const fd of packet.fds) cleanup.defer(() => fd.closeAside());
    checkWhole(context.sockets, packet);
    const { descriptors, frame, message } = decodeMessage(packet.bytes);
    checkCount(descriptors.length, packet.fds.length);
    const buffers: DmaBuf[] = [];
    const bufferOf = new Map<number, DmaBuf>();
    const syncFiles: SyncFile[] = [];
    for (const [index, described] of descriptors.entries()) {
      const fd = packet.fds[index] as OwnedFd;
      explaining(descriptors, index, () => {
        if (described.kind === 'sync-file') {
          const syncFile = SyncFile.fromFd(fd);
          cleanup.defer(() => syncFile.close());
          syncFiles.push(syncFile);
          return;
        }
        const buffer = importDescribedBuffer(context, fd.borrow(), described);
        cleanup.defer(() => buffer.close());
        buffers.push(buffer);
        bufferOf.set(index, buffer);
        fd.close();
      });
    }
    const layout = frame && layOut(frame, bufferOf);
    return new ReceivedMessage({ message: message.slice(), buffers, syncFiles, frame: layout, peer });
  });
}

/** Each of its buffers is in the message, as long as announced. */
function layOut({ fields, descriptors }: FrameRecord, bufferOf: ReadonlyMap<number, DmaBuf>): FrameLayout {
  const buffers = descriptors.map((index) => bufferOf.get(index) as DmaBuf);
  return new FrameLayout(new FrameDescription(fields), buffers);
}

function checkWhole(sockets: UnixSocketCalls, { truncated, descriptorsLost, fds }: ReceivedPacket): void {
  if (descriptorsLost) throw descriptorsLostError(sockets, fds);
  if (!truncated) return;
  throw new DmaBufError(`Cannot receive the message as it has more than ${MESSAGE_BYTES_MAX} bytes: send a buffer`, {
    code: 'EMSGSIZE',
    syscall: 'recvmsg',
  });
}

function checkCount(announced: number, received: number): void {
  if (announced === received) return;
  throw new DmaBufError(
    `Cannot receive the message as ${received} descriptors came with it where it announces ${announced}`,
    { code: 'EPROTO', syscall: 'recvmsg', values: { announced, received } },
  );
}

/**
 * The kernel reports only that it delivered fewer than were sent (man 7 unix, MSG_CTRUNC). So check
 * whether there is room for one more.
 */
function descriptorsLostError(sockets: UnixSocketCalls, fds: readonly OwnedFd[]): DmaBufError {
  const received = fds.length;
  const options = { syscall: 'recvmsg', values: { received } };
  if (canOpenAnother(sockets, fds[0]?.borrow())) {
    return new DmaBufError(
      `Cannot receive the message as the kernel refused a descriptor of it, after ${received}: a security module may forbid it, see "dmesg"`,
      { code: 'EACCES', ...options },
    );
  }
  return new DmaBufError(
    `Cannot receive the message as this process has as many descriptors open as it may, and the kernel dropped those after ${received}: ` +
      DESCRIPTORS_REMEDY,
    { code: 'EMFILE', ...options },
  );
}

function canOpenAnother(sockets: UnixSocketCalls, fd: BorrowedFd | undefined): boolean {
  // With none received, even the first did not fit.
  if (fd === undefined) return false;
  try {
    sockets.duplicate(fd).close();
    return true;
  } catch (error) {
    if (isDmaBufError(error)) return false;
    throw error;
  }
}

/** Adds the index of the descriptor to the error. */
function explaining(descriptors: readonly DescribedDescriptor[], index: number, importOne: () => void): void {
  try {
    importOne();
  } catch (cause) {
    if (!isDmaBufError(cause)) throw cause;
    const { code, values } = cause;
    const remedy = code === 'EMFILE' ? `; ${DESCRIPTORS_REMEDY}` : '';
    throw new DmaBufError(
      `Cannot receive the message as its descriptor ${index + 1} of ${descriptors.length} was refused: ${cause.message}${remedy}`,
      { code, syscall: cause.syscall ?? 'recvmsg', values, cause },
    );
  }
}
