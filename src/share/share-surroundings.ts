import { importBufferWithin } from '../backend/import-buffer.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import { libc } from '../linux/libc.ts';
import type { RawCalls } from '../linux/libc.ts';
import { readiness } from '../linux/readiness.ts';
import { UnixSocketCalls } from '../linux/unix-socket-calls.ts';
import { PACKET_BYTES_MAX } from './message-header.ts';

/** What a connection works with. */
export interface ShareSurroundings {
  readonly sockets: UnixSocketCalls;
  readonly readiness: Pick<typeof readiness, 'wait'>;
  /** Makes a buffer of a descriptor that stays the caller's. */
  importBuffer(fd: BorrowedFd, name: string): DmaBuf;
}

/** Of this machine; for tests, with system calls that fail. */
export function shareSurroundings(raw: RawCalls = libc): ShareSurroundings {
  return {
    sockets: new UnixSocketCalls(PACKET_BYTES_MAX, raw),
    readiness,
    importBuffer: (fd, name) => importBufferWithin(raw === libc ? {} : { raw }, fd, name === '' ? {} : { name }),
  };
}
