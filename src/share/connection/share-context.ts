import { importSentBuffer } from '../../backend/fd-buffer/import-buffer.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import { FileLockCalls } from '../../linux/calls/file-lock-calls.ts';
import { thisMachine } from '../../linux/machine.ts';
import type { Machine } from '../../linux/machine.ts';
import { readiness } from '../../linux/calls/readiness.ts';
import { UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import { SOCK_STREAM } from '../../uapi/socket.ts';
import { KiB } from '../../base/sizes.ts';
import { PACKET_BYTES_MAX } from './message-header.ts';

/**
 * What one call sends and receives: a third of what the kernel lets wait (net.core.wmem_default).
 */
const STREAM_PIECE_BYTES = 64 * KiB;

/** The collaborators of a connection. */
export class ShareContext {
  readonly machine: Machine;
  readonly sockets: UnixSocketCalls;
  /** For streams of bytes, as other programs' protocols have them. */
  readonly streams: UnixSocketCalls;
  readonly locks: FileLockCalls;
  readonly readiness: Pick<typeof readiness, 'wait'> = readiness;
  /**
   * Makes a buffer from a descriptor, which the caller keeps: read-only where the descriptor does
   * not allow writes.
   */
  readonly importBuffer: (fd: BorrowedFd, name: string) => DmaBuf;

  constructor(machine: Machine = thisMachine) {
    this.machine = machine;
    this.importBuffer = (fd, name) => importSentBuffer(machine, fd, name);
    this.sockets = new UnixSocketCalls(PACKET_BYTES_MAX, machine.raw);
    this.streams = new UnixSocketCalls(STREAM_PIECE_BYTES, machine.raw, SOCK_STREAM);
    this.locks = new FileLockCalls(machine.raw);
  }

  /** The context in the hidden last argument of a public function, as {@link Machine.hiddenIn}. */
  static hiddenIn(argument: unknown): ShareContext {
    return argument instanceof ShareContext ? argument : new ShareContext();
  }
}
