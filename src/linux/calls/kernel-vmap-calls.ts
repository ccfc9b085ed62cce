import { DMABUF_MEASURE_ROUND, dmabufMeasureRound } from '../../uapi/dmabuf-measure.ts';
import { O_CLOEXEC, O_RDWR } from '../../uapi/fcntl.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';

/** What each step of mapping a buffer took in the kernel, in ns. */
export interface KernelVmapTimes {
  /** The module's own way to the table: attached, and mapped for a device. */
  readonly attachNs: number;
  /** An array of pointers to its pages allocated: `vmalloc`. */
  readonly allocNs: number;
  /** The table into the array, page by page, with the check a page of the system heap. */
  readonly byPageNs: number;
  /** The same entry by entry. */
  readonly byEntryNs: number;
  /** `vmap` of the array, and `vunmap` of that. */
  readonly vmapNs: number;
  readonly vunmapNs: number;
  /** The array freed: `vfree`. */
  readonly freeNs: number;
  /** `dma_buf_vmap_unlocked` of the buffer, and `dma_buf_vunmap_unlocked`. */
  readonly wholeNs: number;
  readonly wholeVunmapNs: number;
}

/** One round of the kernel module: its times, and the buffer. */
export interface KernelVmapRound {
  readonly times: KernelVmapTimes;
  /** In bytes. */
  readonly size: number;
  readonly pageCount: number;
  /** Of its scatter-gather table. */
  readonly entryCount: number;
}

/** The calls of `/dev/dmabuf-measure` (vm/modules/measure/dmabuf_measure.c). */
export class KernelVmapCalls extends CheckedCalls {
  /**
   * @throws {DmaBufError} `ENOENT` without the module, `EACCES` or `EPERM` without CAP_SYS_ADMIN
   */
  openDevice(path: string): OwnedFd {
    return this.own(this.checked('open', this.raw.open(path, O_RDWR | O_CLOEXEC), { path }));
  }

  /**
   * Maps and unmaps the buffer step by step. The module has compared all pages of both walks, and
   * those of the buffer's own mapping, when this returns.
   *
   * @param round an even one walks by page first, an odd one by entry
   * @throws {DmaBufError} `EBADF` and `EINVAL` for what is no dma-buf, `EFBIG` for one larger than
   *   the module takes, `EBUSY` for one that is mapped in the kernel already, `EOPNOTSUPP` for a
   *   table whose entries are not whole pages, `EILSEQ` where pages differ, `EPERM` without
   *   CAP_SYS_ADMIN
   */
  measureRound(device: BorrowedFd, dmaBuf: BorrowedFd, round: number): KernelVmapRound {
    const argument = dmabufMeasureRound.write({ fd: dmaBuf, round });
    this.checked('ioctl', this.raw.ioctl(device, DMABUF_MEASURE_ROUND, argument), { round });
    const { fd: _fd, round: _round, size, pages, entries, ...times } = dmabufMeasureRound.read(argument);
    return { times, size, pageCount: pages, entryCount: entries };
  }
}
