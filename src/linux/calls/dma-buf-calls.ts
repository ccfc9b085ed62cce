import { assert } from '../../base/assert.ts';
import type { ByteLength } from '../../base/quantities.ts';
import {
  DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
  DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
  DMA_BUF_IOCTL_SYNC,
  DMA_BUF_SET_NAME_B,
  dmaBufExportSyncFile,
  dmaBufImportSyncFile,
  dmaBufSync,
} from '../../uapi/dma-buf.ts';
import { DMA_HEAP_IOCTL_ALLOC, dmaHeapAllocationData } from '../../uapi/dma-heap.ts';
import { O_CLOEXEC, O_RDONLY, O_RDWR } from '../../uapi/fcntl.ts';
import { pollfd } from '../../uapi/poll.ts';
import {
  UDMABUF_CREATE,
  UDMABUF_CREATE_LIST,
  UDMABUF_FLAGS_CLOEXEC,
  udmabufCreate,
  udmabufCreateItem,
  udmabufCreateList,
} from '../../uapi/udmabuf.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { FileRange } from './memory-calls.ts';
import type { CallValues } from './refused-call.ts';

/** The descriptor that an ioctl gives is its result. */
const AS_RESULT = -1;

const readEvents = pollfd.readerOf('revents');

/** One argument for each sum of `DMA_BUF_SYNC_*`, from 0 to 7. The kernel only reads them. */
const SYNC_ARGUMENTS: readonly Uint8Array[] = Array.from({ length: 8 }, (_, flags) => dmaBufSync.write({ flags }));

/** The calls that make and use dma-bufs (include/uapi/linux/dma-buf.h, dma-heap.h, udmabuf.h). */
export class DmaBufCalls extends CheckedCalls {
  readonly #pollfd = new Uint8Array(pollfd.size);
  /** The argument of poll. */
  #polledFd = -1;
  #polledEvents = 0;

  /**
   * Opens a heap in `/dev/dma_heap` for reading: allocation needs no more
   * (drivers/dma-buf/dma-heap.c, dma_heap_open).
   */
  openHeap(path: string): OwnedFd {
    return this.own(this.checked('open', this.raw.open(path, O_RDONLY | O_CLOEXEC), { path }));
  }

  /**
   * Opens `/dev/udmabuf` for reading: its ioctls need no more (drivers/dma-buf/udmabuf.c,
   * udmabuf_ioctl).
   */
  openUdmabuf(path: string): OwnedFd {
    return this.own(this.checked('open', this.#open(path), { path }));
  }

  /**
   * As {@link openUdmabuf}, but undefined where it is refused for one of `reasons`: constructing an
   * error takes longer than the call, 10 µs.
   */
  openUdmabufUnless(path: string, reasons: readonly ErrnoName[]): OwnedFd | undefined {
    const fd = this.#open(path);
    const refusal = this.refusalOf(fd);
    return refusal !== undefined && reasons.includes(refusal)
      ? undefined
      : this.own(this.checked('open', fd, { path }));
  }

  /** A dma-buf from an open heap, readable and writable, zeroed (dma_heap_ioctl_allocate). */
  allocate(heap: BorrowedFd, length: ByteLength): OwnedFd {
    const argument = dmaHeapAllocationData.write({ len: length, fdFlags: O_RDWR | O_CLOEXEC });
    const { fd: fdAt } = dmaHeapAllocationData.offsets;
    this.checked('ioctl', this.raw.ioctlForFd(heap, DMA_HEAP_IOCTL_ALLOC, argument, fdAt), { length });
    return this.own(dmaHeapAllocationData.read(argument).fd);
  }

  /**
   * A dma-buf of a sealed memfd's whole memory, from an open `/dev/udmabuf`
   * (drivers/dma-buf/udmabuf.c, udmabuf_ioctl_create).
   */
  createUdmabuf(device: BorrowedFd, memfd: BorrowedFd, length: ByteLength): OwnedFd {
    const argument = udmabufCreate.write({ memfd, flags: UDMABUF_FLAGS_CLOEXEC, size: length });
    return this.own(
      this.checked('ioctl', this.raw.ioctlForFd(device, UDMABUF_CREATE, argument, AS_RESULT), { length }),
    );
  }

  /** A dma-buf of ranges of sealed memfds, one after the other (udmabuf_ioctl_create_list). */
  createUdmabufOfRanges(device: BorrowedFd, ranges: readonly FileRange[]): OwnedFd {
    const argument = new Uint8Array(udmabufCreateList.size + ranges.length * udmabufCreateItem.size);
    argument.set(udmabufCreateList.write({ flags: UDMABUF_FLAGS_CLOEXEC, count: ranges.length }));
    for (const [index, { fd, offset, length }] of ranges.entries()) {
      const item = udmabufCreateItem.write({ memfd: fd, offset, size: length });
      argument.set(item, udmabufCreateList.size + index * udmabufCreateItem.size);
    }
    const result = this.raw.ioctlForFd(device, UDMABUF_CREATE_LIST, argument, AS_RESULT);
    return this.own(this.checked('ioctl', result, { count: ranges.length }));
  }

  /**
   * Sets the name of a dma-buf, which tools that list the machine's buffers show. At most 31 bytes.
   */
  setName(dmaBuf: BorrowedFd, name: string): void {
    this.#ioctl(dmaBuf, DMA_BUF_SET_NAME_B, new TextEncoder().encode(`${name}\0`), { name });
  }

  /**
   * Begins or ends CPU access to a dma-buf. An interrupted call is repeated, as the kernel demands
   * (Documentation/driver-api/dma-buf.rst, "CPU Access to DMA Buffer Objects").
   *
   * @param flags of `DMA_BUF_SYNC_*`: the same at the end as at the begin, except for END
   */
  sync(dmaBuf: BorrowedFd, flags: number): void {
    const argument = SYNC_ARGUMENTS[flags];
    assert(argument !== undefined, 'A sync has no flags but its own');
    for (;;) {
      const result = this.raw.ioctl(dmaBuf, DMA_BUF_IOCTL_SYNC, argument);
      const code = this.refusalOf(result);
      if (code === 'EINTR' || code === 'EAGAIN') continue;
      this.checked('ioctl', result, { flags });
      return;
    }
  }

  /**
   * A sync file of the fences that an access would have to wait for now (dma_buf_export_sync_file).
   */
  exportSyncFile(dmaBuf: BorrowedFd, flags: number): OwnedFd {
    const argument = dmaBufExportSyncFile.write({ flags, fd: -1 });
    const { fd: fdAt } = dmaBufExportSyncFile.offsets;
    this.checked('ioctl', this.raw.ioctlForFd(dmaBuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, argument, fdAt), { flags });
    return this.own(dmaBufExportSyncFile.read(argument).fd);
  }

  /**
   * Adds a sync file's fences to a dma-buf, as writers or as readers (dma_buf_import_sync_file).
   */
  importSyncFile(dmaBuf: BorrowedFd, syncFile: BorrowedFd, flags: number): void {
    const argument = dmaBufImportSyncFile.write({ flags, fd: syncFile });
    this.#ioctl(dmaBuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, argument, { flags, syncFile });
  }

  /** Which of `events` (`POLL*`) a descriptor has now. Does not wait. */
  pollNow(fd: BorrowedFd, events: number): number {
    const argument = this.#pollfd;
    // The kernel writes `revents` anew at every call.
    if (fd !== this.#polledFd || events !== this.#polledEvents) pollfd.write({ fd, events }, argument);
    this.#polledFd = fd;
    this.#polledEvents = events;
    // EINTR although it does not wait: do_poll (fs/select.c) checks for signals before it checks
    // the time.
    for (;;) {
      const result = this.raw.poll(argument, 1);
      if (this.refusalOf(result) === 'EINTR') continue;
      this.checked('poll', result, { fd });
      return readEvents(argument);
    }
  }

  #open(path: string): number {
    return this.raw.open(path, O_RDONLY | O_CLOEXEC);
  }

  #ioctl(fd: BorrowedFd, request: number, argument: Uint8Array, values: CallValues): number {
    return this.checked('ioctl', this.raw.ioctl(fd, request, argument), values);
  }
}
