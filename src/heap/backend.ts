/**
 * The interface between a backend and the heap above it. Types only. Arguments are checked before
 * they come here, and the interface does not say how memory is supplied.
 */

import type { ByteLength } from '../base/quantities.ts';
import type { CpuAccessMaintenance } from '../linux/calls/cpu-access-maintenance.ts';
import type { DmaBufFile } from '../linux/calls/dma-buf-file.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { StorePolicy } from '../linux/calls/memory-calls.ts';
import type { MemorySource } from '../mapping/memory-source.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { SgTable } from '../sg/sg-table.ts';

/**
 * Where a heap's memory comes from: `/dev/dma_heap/*`, `/dev/udmabuf`, or an arena of this process.
 */
export type BackendKind = 'kernel' | 'udmabuf' | 'embedded';

/** A buffer's physical layout, or why it is unknown and what would help. */
export type BufferLayout =
  | {
      /** The table is the buffer's own. */
      readonly known: true;
      /** Its pages, in buffer order. */
      readonly table: SgTable;
      /** The source of the table. */
      readonly source: string;
    }
  | {
      /** The places of the pages cannot be seen here. */
      readonly known: false;
      /** The reason, in words. */
      readonly reason: string;
      /** A remedy, where there is one. */
      readonly remedy?: string;
    };

/** A heap of this machine, or the reason why it is missing. */
export interface HeapInfo {
  /** The name that `openHeap` takes. */
  readonly name: string;
  /** The kind of its memory. */
  readonly backend: BackendKind;
  /** Whether this process can allocate from it. */
  readonly available: boolean;
  /** A description, or the reason why it is missing. */
  readonly reason: string;
  /** What would make it available. */
  readonly remedy?: string;
  /**
   * Every buffer is one run of pages, as devices without an IOMMU need. This and the following
   * properties are inferred from the name.
   */
  readonly contiguous: boolean;
  /** The CPU's caches are bypassed: reading a buffer with the CPU is slow. */
  readonly uncached: boolean;
  /** Its pages lie below 4 GiB, where devices with 32-bit addresses reach them. */
  readonly below4GiB: boolean;
  /**
   * The CPU may map its buffers. Heaps for protected content are for devices alone: `vmap` refuses
   * their buffers.
   */
  readonly cpuMappable: boolean;
}

/** Whether a heap's memory comes in transparent huge pages. */
export interface HugePageUse {
  /**
   * The largest pages that it asks for, in bytes. Undefined: it does not ask. The kernel uses
   * ordinary ones where it finds none, and for parts of a buffer that do not fill a huge page.
   */
  readonly pageBytes: number | undefined;
  /**
   * The reason: a clause, such as the setting that allows or forbids it. Taken when the heap was
   * opened.
   */
  readonly reason: string;
}

/** How a heap's memory is used, in bytes. */
export interface BackendStats {
  /** Undefined where only the machine's memory is the limit. */
  readonly capacityBytes: number | undefined;
  /** Allocated and not yet given back, touched or not. */
  readonly usedBytes: number;
  /**
   * Memory taken from the machine now: touched pages of living buffers, and cached ones. A huge
   * page counts as a whole.
   */
  readonly committedBytes: number;
  /** Committed pages without an owner, kept for the next one. */
  readonly cachedBytes: number;
  /**
   * Free blocks of each order, from 0 up, as in `/proc/buddyinfo`. Empty where the kernel keeps
   * them.
   */
  readonly freeBlockCounts: readonly number[];
  /** Whether its memory comes in transparent huge pages, and the reason if not. */
  readonly hugePages: HugePageUse;
}

export interface AllocationRequest {
  readonly length: ByteLength;
  /** At most 31 bytes; empty where none was given. */
  readonly name: string;
  /** Whether other processes can have it. `read-only`: they can have it, but never write to it. */
  readonly shareable: boolean | 'read-only';
  /** Whether to record a layout that would otherwise be unknown. */
  readonly traceLayout: boolean;
}

/** Memory for one buffer. */
export interface BackendBuffer {
  /** As users see it. Its source has the whole pages. */
  readonly length: ByteLength;
  /** The exporter's name, as in `/proc/PID/fdinfo`. */
  readonly exporter: string;
  readonly source: MemorySource;
  /** Whether this process may only read it. */
  readonly readOnly: boolean;
  /** The effect of stores into a read-only window: they never reach the buffer. */
  readonly readOnlyStores: Exclude<StorePolicy, 'shared'>;
  /**
   * The inode by which the machine knows it: the dma-buf's, or the memory file's where there is no
   * dma-buf.
   */
  readonly inode: number;
  /** The inode of its mappings in `/proc/PID/maps`. */
  readonly mappedInode: number;
  layout(): BufferLayout;
  readonly maintenance: CpuAccessMaintenance;
  /** The dma-buf that the buffer is, or that wraps its memory. */
  readonly dmaBuf: DmaBufFile | undefined;
  /** Sets the name, which tools that list the machine's buffers show. */
  setName(name: string): void;
  exportFd(): OwnedFd;
  /** Gives the memory back. Called once, when it is no longer mapped. */
  release(): void;
}

/** An open heap. */
export interface BackendHeap {
  readonly name: string;
  readonly backend: BackendKind;
  readonly pageSize: ByteLength;
  /** Whether device drivers can import its buffers. */
  readonly deviceImportable: boolean;
  readonly mapping: MappingContext;
  allocate(request: AllocationRequest): BackendBuffer;
  stats(): BackendStats;
  /** Ends allocation. Resources that living buffers need stay until those are released. */
  close(): void;
}
