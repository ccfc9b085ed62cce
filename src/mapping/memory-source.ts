import type { Address, ByteLength } from '../base/quantities.ts';
import type { BorrowedFd } from '../linux/fd.ts';

/**
 * The runs of a buffer as stretches of one file, in buffer order, in bytes. Side by side in typed arrays: a buffer of single
 * pages has half a million.
 */
export interface FileRuns {
  readonly count: number;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
}

/**
 * A second mapping of the same file that belongs to the buffer's owner, byte n of the file at `address` + n. While no window
 * is open, the page-table entries of a warm buffer stay there; a window borrows them. Moving 8 MiB of entries takes 0.04 ms,
 * making and dropping them 0.45 ms.
 */
export interface HomeMapping {
  readonly address: Address;
  /** True while the entries of the buffer's pages are there, as far as anybody knows. A wrong guess costs time only. */
  populated: boolean;
  readonly lending: PageTableLending;
}

/** How an owner lends page-table entries of its whole mapping. */
export interface PageTableLending {
  /** Until the kernel has refused a move once. */
  allowed: boolean;
  /** Shorter runs are mapped anew. */
  readonly runBytesMin: number;
}

/** The memory behind one buffer, as a window needs it. */
export interface MemorySource {
  readonly pageSize: ByteLength;
  readonly fd: BorrowedFd;
  readonly runs: FileRuns;
  readonly home?: HomeMapping | undefined;
  /** True once a window was mapped. Until then nobody can have touched the pages. */
  touched: boolean;
}
