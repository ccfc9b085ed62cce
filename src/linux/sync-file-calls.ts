import { SYNC_IOC_FILE_INFO, SYNC_IOC_MERGE, syncFenceInfo, syncFileInfo, syncMergeData } from '../uapi/sync-file.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { addressOf } from './libc.ts';

/** What the kernel says of a sync file (struct sync_file_info). */
export interface SyncFileInfo {
  readonly name: string;
  /** 1: signaled; 0: active; below: the error of the work. */
  readonly status: number;
  readonly fences: readonly SyncFenceInfo[];
}

/** What the kernel says of one fence (struct sync_fence_info). */
export interface SyncFenceInfo {
  /** Of the timeline that the fence is on. */
  readonly timelineName: string;
  readonly driverName: string;
  readonly status: number;
  /** When it was signaled, by CLOCK_MONOTONIC; 0 before. */
  readonly timestampNs: number;
}

/** The calls on sync files (drivers/dma-buf/sync_file.c). */
export class SyncFileCalls extends CheckedCalls {
  /** A new sync file of the fences of both. */
  merge(fd: BorrowedFd, other: BorrowedFd, name: string): OwnedFd {
    const argument = syncMergeData.write({ name, fd2: other, fence: -1 });
    this.checked('ioctl', this.raw.ioctl(fd, SYNC_IOC_MERGE, argument), { fd, other });
    return this.own(syncMergeData.read(argument).fence);
  }

  /** Two calls: how many fences there are, then what they are. There may be fewer by then: signaled ones drop out of a chain. */
  info(fd: BorrowedFd): SyncFileInfo {
    const { numFences: countMax } = this.#info(fd, {});
    // Shared memory does not move: the kernel writes there by its address.
    const array = new Uint8Array(new SharedArrayBuffer(countMax * syncFenceInfo.size));
    const address = countMax === 0 ? 0 : addressOf(array);
    const { name, status, numFences } = this.#info(fd, { numFences: countMax, syncFenceInfo: address });
    const fences = Array.from({ length: numFences }, (_, index) => {
      const fence = syncFenceInfo.read(array.subarray(index * syncFenceInfo.size));
      const { objName, driverName, timestampNs } = fence;
      return { timelineName: objName, driverName, status: fence.status, timestampNs };
    });
    return { name, status, fences };
  }

  #info(fd: BorrowedFd, wanted: { numFences?: number; syncFenceInfo?: number }): ReturnType<typeof syncFileInfo.read> {
    const argument = syncFileInfo.write(wanted);
    this.checked('ioctl', this.raw.ioctl(fd, SYNC_IOC_FILE_INFO, argument), { fd });
    return syncFileInfo.read(argument);
  }
}
