import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import {
  DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
  DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
  DMA_BUF_IOCTL_SYNC,
  DMA_BUF_SET_NAME_B,
  dmaBufExportSyncFile,
  dmaBufImportSyncFile,
  dmaBufSync,
} from '../uapi/dma-buf.ts';
import { DMA_HEAP_IOCTL_ALLOC, dmaHeapAllocationData } from '../uapi/dma-heap.ts';
import { O_CLOEXEC, O_RDONLY, O_RDWR, SEEK_END } from '../uapi/fcntl.ts';
import { pollfd } from '../uapi/poll.ts';
import {
  UDMABUF_CREATE,
  UDMABUF_CREATE_LIST,
  UDMABUF_FLAGS_CLOEXEC,
  udmabufCreate,
  udmabufCreateItem,
  udmabufCreateList,
} from '../uapi/udmabuf.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { CallValues } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { FileStretch } from './system-calls.ts';

/** The calls that make dma-bufs and use them (include/uapi/linux/dma-buf.h, dma-heap.h, udmabuf.h). */
export class DmaBufCalls extends CheckedCalls {
  /** Opens a heap in `/dev/dma_heap`. For reading: allocation asks no more (drivers/dma-buf/dma-heap.c, dma_heap_open). */
  openHeap(path: string): OwnedFd {
    return this.own(this.checked('open', this.raw.open(path, O_RDONLY | O_CLOEXEC), { path }));
  }

  openUdmabuf(path: string): OwnedFd {
    return this.own(this.checked('open', this.raw.open(path, O_RDWR | O_CLOEXEC), { path }));
  }

  /** A dma-buf from an open heap, readable and writable, zeroed (dma_heap_ioctl_allocate). */
  allocate(heap: BorrowedFd, length: ByteLength): OwnedFd {
    const argument = dmaHeapAllocationData.write({ len: length, fdFlags: O_RDWR | O_CLOEXEC });
    this.#ioctl(heap, DMA_HEAP_IOCTL_ALLOC, argument, { length });
    return this.own(dmaHeapAllocationData.read(argument).fd);
  }

  /** A dma-buf of a sealed memfd's whole memory, from an open `/dev/udmabuf` (drivers/dma-buf/udmabuf.c, udmabuf_ioctl_create). */
  createUdmabuf(device: BorrowedFd, memfd: BorrowedFd, length: ByteLength): OwnedFd {
    const argument = udmabufCreate.write({ memfd, flags: UDMABUF_FLAGS_CLOEXEC, size: length });
    return this.own(this.#ioctl(device, UDMABUF_CREATE, argument, { length }));
  }

  /** A dma-buf of stretches of sealed memfds, one after the other (udmabuf_ioctl_create_list). */
  createUdmabufOfStretches(device: BorrowedFd, stretches: readonly FileStretch[]): OwnedFd {
    const argument = new Uint8Array(udmabufCreateList.size + stretches.length * udmabufCreateItem.size);
    argument.set(udmabufCreateList.write({ flags: UDMABUF_FLAGS_CLOEXEC, count: stretches.length }));
    for (const [index, { fd, offset, length }] of stretches.entries()) {
      const item = udmabufCreateItem.write({ memfd: fd, offset, size: length });
      argument.set(item, udmabufCreateList.size + index * udmabufCreateItem.size);
    }
    return this.own(this.#ioctl(device, UDMABUF_CREATE_LIST, argument, { count: stretches.length }));
  }

  /** Names a dma-buf, for whoever looks at the machine's buffers. At most 31 bytes. */
  setName(dmaBuf: BorrowedFd, name: string): void {
    this.#ioctl(dmaBuf, DMA_BUF_SET_NAME_B, new TextEncoder().encode(`${name}\0`), { name });
  }

  /**
   * Begins or ends CPU access to a dma-buf. Interrupted, it is called again, as the kernel asks
   * (Documentation/driver-api/dma-buf.rst, "CPU Access to DMA Buffer Objects").
   *
   * @param flags of `DMA_BUF_SYNC_*`: the same at the end as at the begin, but for END
   */
  sync(dmaBuf: BorrowedFd, flags: number): void {
    const argument = dmaBufSync.write({ flags });
    while (this.raw.ioctl(dmaBuf, DMA_BUF_IOCTL_SYNC, argument) === -1) {
      const code = this.errno();
      if (code !== 'EINTR' && code !== 'EAGAIN') throw this.error('ioctl', { flags });
    }
  }

  /** A sync file of the fences that stand against an access now (dma_buf_export_sync_file). */
  exportSyncFile(dmaBuf: BorrowedFd, flags: number): OwnedFd {
    const argument = dmaBufExportSyncFile.write({ flags, fd: -1 });
    this.#ioctl(dmaBuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, argument, { flags });
    return this.own(dmaBufExportSyncFile.read(argument).fd);
  }

  /** Adds a sync file's fences to a dma-buf, as writers or as readers (dma_buf_import_sync_file). */
  importSyncFile(dmaBuf: BorrowedFd, syncFile: BorrowedFd, flags: number): void {
    const argument = dmaBufImportSyncFile.write({ flags, fd: syncFile });
    this.#ioctl(dmaBuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, argument, { flags, syncFile });
  }

  /** Which of `events` (`POLL*`) a descriptor has now. Does not wait. */
  pollNow(fd: BorrowedFd, events: number): number {
    const argument = pollfd.write({ fd, events });
    // Interrupted although it does not wait: do_poll (fs/select.c) looks for signals before it looks at the time.
    while (this.raw.poll(argument, 1, 0) === -1) if (this.errno() !== 'EINTR') throw this.error('poll', { fd });
    return pollfd.read(argument).revents;
  }

  /** A file's length in bytes. Of a dma-buf only its end can be looked for (drivers/dma-buf/dma-buf.c, dma_buf_llseek). */
  lengthOf(fd: BorrowedFd): ByteLength {
    return toByteLength(this.checked('lseek', this.raw.lseek(fd, 0, SEEK_END), { fd }));
  }

  #ioctl(fd: BorrowedFd, request: number, argument: Uint8Array, values: CallValues): number {
    return this.checked('ioctl', this.raw.ioctl(fd, request, argument), values);
  }
}
