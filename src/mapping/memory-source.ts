import type { Address, ByteLength } from '../base/quantities.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { FileRuns } from '../linux/calls/memory-calls.ts';
import type { HugePages } from './huge-part.ts';

/**
 * A second mapping of the same file, which the buffer's owner keeps: byte n of the file is at
 * `address` + n. While no window is open, it holds the page-table entries of a cached buffer, and a
 * window borrows them. Moving 8 MiB of entries takes 0.04 ms, making and dropping them 0.45 ms.
 */
export interface HomeMapping {
  readonly address: Address;
  /**
   * True while the entries of the buffer's pages are believed to be there. A wrong guess costs only
   * time.
   */
  populated: boolean;
  readonly pteBorrowing: PteBorrowing;
}

/** How an owner lends page-table entries of its own mapping of the whole file. */
export interface PteBorrowing {
  /** True until the kernel has refused a move. */
  allowed: boolean;
  /** The shortest run whose entries are moved. Shorter runs are mapped again. */
  readonly runBytesMin: number;
}

/** The memory of a buffer, as windows use it. */
export interface MemorySource {
  readonly pageSize: ByteLength;
  readonly fd: BorrowedFd;
  /** In buffer order. */
  readonly runs: FileRuns;
  readonly home?: HomeMapping | undefined;
  /** The huge pages to ask for when memory is committed. */
  readonly hugePages?: HugePages;
  /**
   * The address of the owner's mapping of the whole file, shared, made before the file was sealed
   * against writing. Since then no other writable mapping can be made, so windows duplicate this
   * one.
   */
  readonly mappedBeforeSeal?: Address | undefined;
  /** Why the CPU may not map it, where that is known in advance: completes "Cannot map … as …". */
  readonly closedToCpu?: string | undefined;
  /** True once a window was mapped. Until then the pages are untouched. */
  touched: boolean;
  /** True once every page is believed to be committed. A wrong guess costs only time. */
  committed: boolean;
  /** How many bytes of the buffer are committed, where the kernel can say. */
  committedBytes?: (() => number) | undefined;
}
