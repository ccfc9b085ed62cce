import type { Gap } from './gap.ts';
import type { KernelList } from './kernel-buffer.ts';

/** A process that holds a buffer. */
export interface Holder {
  readonly pid: number;
  readonly comm: string;
  /** Whether it is this very process. */
  readonly isSelf: boolean;
  /** Its descriptors of the buffer. */
  readonly fds: readonly number[];
  readonly mappingCount: number;
  /**
   * Its fair share of the size: an equal part for each process that holds the buffer. In bytes,
   * possibly not whole.
   */
  readonly shareBytes: number;
  /**
   * Other processes that share these very descriptors or mappings, which are counted only here.
   * Absent: none.
   */
  readonly sharedWith?: readonly number[];
}

/** A dma-buf, and its holders. */
export interface ListedBuffer {
  /** Null where the kernel's list does not show it, and no readable process holds the buffer. */
  readonly inode: number | null;
  /** In bytes. */
  readonly size: number;
  /** Whether the size is known from mappings only, which may end before the buffer does. */
  readonly sizeIsMinimum: boolean;
  readonly exporter: string | null;
  readonly name: string | null;
  /** References to its file, where known. */
  readonly references: number | null;
  /**
   * References that no listed descriptor or mapping explains: users in the kernel, descriptors in
   * transit over sockets, unread processes.
   */
  readonly otherReferences: number | null;
  /** Devices attached to it, where known. */
  readonly devices: readonly string[] | null;
  /** By process id. Empty: only the kernel holds it, or processes that could not be read. */
  readonly holders: readonly Holder[];
}

/** A process that holds buffers. */
export interface HoldingProcess {
  readonly pid: number;
  readonly comm: string;
  /** When it started, in clock ticks since boot: process ids are reused. */
  readonly startTicks: number;
  readonly isSelf: boolean;
  readonly bufferCount: number;
  /** The sum of the sizes of its buffers. */
  readonly bytes: number;
  readonly shareBytes: number;
  readonly fdCount: number;
  readonly mappingCount: number;
  /**
   * Other processes that share its descriptors or its memory, and are counted here. Absent: none.
   */
  readonly sharedWith?: readonly number[];
}

/** Sums over all listed buffers, in bytes where they are sizes. Null: unknown. */
export interface SnapshotTotals {
  readonly bufferCount: number;
  readonly bytes: number;
  /** Null for a saved list, which does not contain holders. */
  readonly heldByProcessesBytes: number | null;
  /**
   * Held by no readable process: by the kernel alone, if every process was readable. Null without
   * the kernel's list, which alone contains such buffers.
   */
  readonly heldOnlyByKernelBytes: number | null;
  readonly heldOnlyByKernelCount: number | null;
  /** Null for a saved list. */
  readonly unreadableProcessCount: number | null;
}

/** The dma-bufs of a machine at one time: the output of `dmabuf ls --json` and `--save`. */
export interface BufferSnapshot {
  readonly format: 'dmabuf-buffers';
  readonly version: 1;
  /** ISO 8601. For a saved list: when its file was written. */
  readonly takenAt: string;
  /** Inodes and process ids keep their meaning while this stays the same. */
  readonly bootId: string | null;
  readonly sources: {
    /**
     * The source of the buffers. Null where no list was readable: then only buffers that a process
     * holds are listed.
     */
    readonly buffers: { readonly source: KernelList['source']; readonly path: string } | null;
    /** Null for a saved list, whose holders can no longer be read. */
    readonly holders: { readonly source: 'procfs'; readonly path: '/proc'; readonly processCount: number } | null;
  };
  /** The parts that could not be read. */
  readonly gaps: readonly Gap[];
  /** Largest first. */
  readonly buffers: readonly ListedBuffer[];
  /** The processes that hold buffers, those with the most bytes first. */
  readonly processes: readonly HoldingProcess[];
  readonly totals: SnapshotTotals;
}
