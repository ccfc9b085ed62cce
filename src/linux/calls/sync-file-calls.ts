import { F_GETFL } from '../../uapi/fcntl.ts';
import {
  SYNC_IOC_FILE_INFO,
  SYNC_IOC_MERGE,
  syncFenceInfo,
  syncFileInfo,
  syncMergeData,
} from '../../uapi/sync-file.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { addressOf } from './kernel-calls.ts';

/** A sync file's status (struct sync_file_info). */
export interface SyncFileInfo {
  /** The name given when the file was made. */
  readonly name: string;
  /** 1: signaled; 0: active; below: the error of the work. */
  readonly status: number;
  /** One fence per piece of work. */
  readonly fences: readonly SyncFenceInfo[];
}

/** The status of one fence (struct sync_fence_info). */
export interface SyncFenceInfo {
  /** The name of the fence's timeline. */
  readonly timelineName: string;
  /** The driver that does the work. */
  readonly driverName: string;
  /** Whether the work is done. */
  readonly status: number;
  /**
   * When it was signaled, in ns of CLOCK_MONOTONIC, like `process.hrtime.bigint()`. 0 before that.
   */
  readonly timestampNs: bigint;
}

/** The calls on sync files (drivers/dma-buf/sync_file.c). */
export class SyncFileCalls extends CheckedCalls {
  /** @throws {DmaBufError} `EBADF` for a descriptor that is not open */
  checkOpen(fd: BorrowedFd): void {
    this.checked('fcntl', this.raw.fcntl(fd, F_GETFL, 0), { fd });
  }

  /** A new sync file of the fences of both. */
  merge(fd: BorrowedFd, other: BorrowedFd, name: string): OwnedFd {
    const argument = syncMergeData.write({ name, fd2: other, fence: -1 });
    const { fence: fenceAt } = syncMergeData.offsets;
    this.checked('ioctl', this.raw.ioctlForFd(fd, SYNC_IOC_MERGE, argument, fenceAt), { fd, other });
    return this.own(syncMergeData.read(argument).fence);
  }

  /**
   * Two calls: the number of fences, then the fences. The second may find fewer: signaled fences
   * drop out of a chain.
   */
  info(fd: BorrowedFd): SyncFileInfo {
    const { numFences: countMax } = this.#info(fd, {});
    // Shared memory does not move: the kernel writes to its address.
    const array = new Uint8Array(new SharedArrayBuffer(countMax * syncFenceInfo.size));
    const address = countMax === 0 ? 0 : addressOf(array);
    const { name, status, numFences } = this.#info(fd, { numFences: countMax, syncFenceInfo: address });
    const fences = Array.from({ length: numFences }, (_, index) => {
      const fence = syncFenceInfo.read(array.subarray(index * syncFenceInfo.size));
      const { objName, driverName, status: fenceStatus, timestampNs } = fence;
      return { timelineName: objName, driverName, status: fenceStatus, timestampNs };
    });
    return { name, status, fences };
  }

  #info(fd: BorrowedFd, wanted: { numFences?: number; syncFenceInfo?: number }): ReturnType<typeof syncFileInfo.read> {
    const argument = syncFileInfo.write(wanted);
    this.checked('ioctl', this.raw.ioctl(fd, SYNC_IOC_FILE_INFO, argument), { fd });
    return syncFileInfo.read(argument);
  }
}
