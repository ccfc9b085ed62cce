import type { Gap } from './gap.ts';
import type { KernelList } from './kernel-list.ts';

/** A process that holds a buffer. */
export interface Holder {
  readonly pid: number;
  readonly comm: string;
  /** This very process. */
  readonly isSelf: boolean;
  /** Its descriptors of the buffer. */
  readonly fds: readonly number[];
  readonly mappingCount: number;
  /** Its fair share of the size: an equal part for each process that holds the buffer. In bytes, not always whole ones. */
  readonly shareBytes: number;
}

/** A dma-buf, and who holds it. */
export interface ListedBuffer {
  readonly inode: number;
  /** In bytes. */
  readonly size: number;
  /** It is known from mappings only, which need not reach to its end. */
  readonly sizeIsMinimum: boolean;
  readonly exporter: string | null;
  readonly name: string | null;
  /** References to its file, where they are known. */
  readonly references: number | null;
  /** Those that no listed descriptor or mapping accounts for: users in the kernel, descriptors under way in sockets, unread processes. */
  readonly otherReferences: number | null;
  /** Devices attached to it, where they are known. */
  readonly devices: readonly string[] | null;
  /** By process id. None: only the kernel holds it, or processes that could not be read. */
  readonly holders: readonly Holder[];
}

/** A process that holds buffers. */
export interface HoldingProcess {
  readonly pid: number;
  readonly comm: string;
  /** When it started, in clock ticks since the machine did: process ids are used again. */
  readonly startTicks: number;
  readonly isSelf: boolean;
  readonly bufferCount: number;
  /** The sizes of its buffers, whole. */
  readonly bytes: number;
  readonly shareBytes: number;
  readonly fdCount: number;
  readonly mappingCount: number;
}

/** Sums over all buffers, in bytes where they are sizes. */
export interface SnapshotTotals {
  readonly bufferCount: number;
  readonly bytes: number;
  readonly heldByProcessesBytes: number;
  /** Held by no process that was read: by the kernel alone where none was unreadable. */
  readonly heldOnlyByKernelBytes: number;
  readonly heldOnlyByKernelCount: number;
  readonly unreadableProcessCount: number;
}

/** The dma-bufs of a machine at one time: what `dmabuf ls --json` prints and `--save` writes. */
export interface BufferSnapshot {
  readonly format: 'dmabuf-buffers';
  readonly version: 1;
  /** ISO 8601. */
  readonly takenAt: string;
  /** Inodes and process ids mean the same things for as long as this is the same. */
  readonly bootId: string | null;
  readonly sources: {
    /** The list of buffers; null where there was none for us, so that only those are listed that a process holds. */
    readonly buffers: { readonly source: KernelList['source']; readonly path: string } | null;
    readonly holders: { readonly source: 'procfs'; readonly path: '/proc'; readonly processCount: number };
  };
  /** What could not be read. */
  readonly gaps: readonly Gap[];
  /** Largest first. */
  readonly buffers: readonly ListedBuffer[];
  /** Those that hold buffers, those with the most bytes first. */
  readonly processes: readonly HoldingProcess[];
  readonly totals: SnapshotTotals;
}
