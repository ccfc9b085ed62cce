import { DMA_BUF_SYNC_END, DMA_BUF_SYNC_READ, DMA_BUF_SYNC_START, DMA_BUF_SYNC_WRITE } from '../../uapi/dma-buf.ts';
import { POLLIN, POLLOUT } from '../../uapi/poll.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { AccessMode, CpuAccessMaintenance } from './cpu-access-maintenance.ts';
import type { DmaBufCalls } from './dma-buf-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { inodeOf } from './file-status.ts';
import { readiness } from './readiness.ts';

const SYNC_FLAGS: Readonly<Record<AccessMode, number>> = {
  read: DMA_BUF_SYNC_READ,
  write: DMA_BUF_SYNC_WRITE,
  readwrite: DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE,
};

/** A dma-buf, by a descriptor that its owner closes. */
export class DmaBufFile implements CpuAccessMaintenance {
  readonly fd: BorrowedFd;
  readonly #calls: DmaBufCalls;

  constructor(calls: DmaBufCalls, fd: BorrowedFd) {
    this.fd = fd;
    this.#calls = calls;
  }

  /** The inode, by which every process knows it. */
  get inode(): number {
    return inodeOf(this.fd);
  }

  setName(name: string): void {
    this.#calls.setName(this.fd, name);
  }

  /**
   * dma_buf_poll: readable when no writer is pending, writable when no reader is pending either.
   */
  ready(mode: AccessMode): boolean {
    const event = mode === 'read' ? POLLIN : POLLOUT;
    return (this.#calls.pollNow(this.fd, event) & event) !== 0;
  }

  async whenReady(mode: AccessMode, options: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    throwIfAborted(options.signal);
    while (!this.ready(mode)) await readiness.wait(this.fd, mode === 'read' ? 'read' : 'write', options);
  }

  begin(mode: AccessMode): void {
    this.#calls.sync(this.fd, SYNC_FLAGS[mode] | DMA_BUF_SYNC_START);
  }

  end(mode: AccessMode): void {
    this.#calls.sync(this.fd, SYNC_FLAGS[mode] | DMA_BUF_SYNC_END);
  }

  exportSyncFile(mode: AccessMode): OwnedFd {
    return this.#calls.exportSyncFile(this.fd, SYNC_FLAGS[mode]);
  }

  importSyncFile(syncFile: BorrowedFd, mode: AccessMode): void {
    this.#calls.importSyncFile(this.fd, syncFile, SYNC_FLAGS[mode]);
  }
}
