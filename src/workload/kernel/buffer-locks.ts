import { KernelLock, LockUseCount } from './kernel-lock.ts';
import type { LockHold, SleepingLock } from './kernel-lock.ts';

/** The locks of one buffer. */
export interface BufferLocks {
  /**
   * Of the buffer's reservation object (include/linux/dma-resv.h): mapping, attaching and whoever
   * moves its memory exclude each other.
   */
  readonly reservation: SleepingLock;
  /**
   * `buffer->lock` of the system heap (drivers/dma-buf/heaps/system_heap.c): its functions for
   * mapping, attaching and CPU access exclude each other.
   */
  readonly exporter: SleepingLock;
}

/** The kinds of locks, by who has them. `driver`: of a session, a pool, an object. */
export type LockKind = keyof BufferLocks | 'driver';

/** How the locks of each kind are used. */
export type LockCounts = Readonly<Record<LockKind, LockUseCount>>;

/** @param onReservation told of each use of a reservation lock, as it ends */
export function countLocks(onReservation?: (hold: LockHold) => void): LockCounts {
  return { reservation: new LockUseCount(onReservation), exporter: new LockUseCount(), driver: new LockUseCount() };
}

/** Of a buffer that this thread alone uses. */
export function ownBufferLocks(counts: LockCounts): BufferLocks {
  return { reservation: new KernelLock(counts.reservation), exporter: new KernelLock(counts.exporter) };
}
