import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { SyncFile } from '../heap/sync-file.ts';
import type { BorrowedFd, OwnedFd } from '../linux/fd.ts';
import type { PeerCredentials, ReceivedPacket, UnixSocketCalls } from '../linux/unix-socket-calls.ts';
import { importDescribedBuffer } from './import-descriptor.ts';
import { MESSAGE_BYTES_MAX, decodeMessage } from './message-header.ts';
import type { DescribedDescriptor } from './message-header.ts';
import type { ShareSurroundings } from './share-surroundings.ts';

const DESCRIPTORS_REMEDY = 'close some descriptors, or raise the limit with "ulimit -n"';

/** A message that came, with what came along. Whatever came is yours to close, one by one or all by {@link close}. */
export class ReceivedMessage {
  readonly message: Uint8Array;
  /** In the order in which they were sent. */
  readonly buffers: readonly DmaBuf[];
  readonly syncFiles: readonly SyncFile[];
  /** Who holds the other end, as the kernel says. */
  readonly peer: PeerCredentials;

  /** @internal */
  constructor(content: { message: Uint8Array; buffers: DmaBuf[]; syncFiles: SyncFile[]; peer: PeerCredentials }) {
    this.message = content.message;
    this.buffers = content.buffers;
    this.syncFiles = content.syncFiles;
    this.peer = content.peer;
  }

  /** The message as UTF-8. */
  get text(): string {
    return new TextDecoder().decode(this.message);
  }

  /** Closes every buffer and sync file that came along. */
  close(): void {
    const steps = [...this.syncFiles, ...this.buffers].map((each) => () => each.close());
    runAllSteps(steps, 'Several of the buffers received could not be closed');
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a message of what came over a socket, or closes every descriptor that came.
 *
 * @throws {DmaBufError} `EPROTO` for what is no whole message of ours, or not what it says of itself; `EMSGSIZE` for one too long; `EMFILE` when
 *   the kernel could not give us all its descriptors; what `importBuffer` and `SyncFile.fromFd` throw
 */
export function openReceivedMessage(
  surroundings: ShareSurroundings,
  packet: ReceivedPacket,
  peer: PeerCredentials,
): ReceivedMessage {
  return withCleanup((cleanup) => {
    for (const fd of packet.fds) cleanup.defer(() => fd.close());
    checkWhole(surroundings.sockets, packet);
    const { descriptors, message } = decodeMessage(packet.bytes);
    checkCount(descriptors.length, packet.fds.length);
    const buffers: DmaBuf[] = [];
    const syncFiles: SyncFile[] = [];
    for (const [index, described] of descriptors.entries()) {
      const fd = packet.fds[index] as OwnedFd;
      explaining(descriptors, index, () => {
        if (described.kind === 'sync-file') {
          syncFiles.push(SyncFile.fromFd(fd));
          return;
        }
        const buffer = importDescribedBuffer(surroundings, fd.borrow(), described);
        cleanup.defer(() => buffer.close());
        buffers.push(buffer);
        fd.close();
      });
    }
    return new ReceivedMessage({ message: message.slice(), buffers, syncFiles, peer });
  });
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

/** The kernel says only that it gave fewer than were sent (man 7 unix, MSG_CTRUNC): we look whether there is room for one more. */
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
  // With none received, the very first did not fit.
  if (fd === undefined) return false;
  try {
    sockets.duplicate(fd).close();
    return true;
  } catch (error) {
    if (isDmaBufError(error)) return false;
    throw error;
  }
}

/** Says which descriptor it was about. */
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
