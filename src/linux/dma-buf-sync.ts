import { DMA_BUF_SYNC_END, DMA_BUF_SYNC_READ, DMA_BUF_SYNC_START, DMA_BUF_SYNC_WRITE } from '../uapi/dma-buf.ts';
import { POLLIN, POLLOUT } from '../uapi/poll.ts';
import type { BorrowedFd } from './fd.ts';
import type { SystemCalls } from './system-calls.ts';

/** Which way the CPU goes at a buffer. The kernel's DMA_BUF_SYNC_READ, _WRITE and _RW. */
export type AccessMode = 'read' | 'write' | 'readwrite';

const SYNC_FLAGS: Readonly<Record<AccessMode, number>> = {
  read: DMA_BUF_SYNC_READ,
  write: DMA_BUF_SYNC_WRITE,
  readwrite: DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE,
};

/** Cache maintenance and fences of a buffer's memory, as the CPU meets them. */
export interface CpuAccessMaintenance {
  /** Whether no work of a device stands against the access: {@link begin} would block until then. */
  ready(mode: AccessMode): boolean;
  begin(mode: AccessMode): void;
  end(mode: AccessMode): void;
}

/** Memory that is cached and coherent in every mapping, and that no device uses: nothing to maintain. */
export const COHERENT_MEMORY: CpuAccessMaintenance = {
  ready: () => true,
  begin() {},
  end() {},
};

/** A dma-buf, by its descriptor. */
export class DmaBufMaintenance implements CpuAccessMaintenance {
  readonly #calls: SystemCalls;
  readonly #fd: BorrowedFd;

  constructor(calls: SystemCalls, fd: BorrowedFd) {
    this.#calls = calls;
    this.#fd = fd;
  }

  /** dma_buf_poll: readable when no writer is pending, writable when no reader is either. */
  ready(mode: AccessMode): boolean {
    const event = mode === 'read' ? POLLIN : POLLOUT;
    return (this.#calls.pollNow(this.#fd, event) & event) !== 0;
  }

  begin(mode: AccessMode): void {
    this.#calls.syncDmaBuf(this.#fd, SYNC_FLAGS[mode] | DMA_BUF_SYNC_START);
  }

  end(mode: AccessMode): void {
    this.#calls.syncDmaBuf(this.#fd, SYNC_FLAGS[mode] | DMA_BUF_SYNC_END);
  }
}
