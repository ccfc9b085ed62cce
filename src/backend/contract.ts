/**
 * What a backend offers to the heap above it. Types only: arguments were checked before they come here, and nothing here says
 * how memory is supplied.
 */

import type { ByteLength } from '../base/quantities.ts';
import type { CpuAccessMaintenance } from '../linux/cpu-access-maintenance.ts';
import type { DmaBufFile } from '../linux/dma-buf-file.ts';
import type { OwnedFd } from '../linux/fd.ts';
import type { MemorySource } from '../mapping/memory-source.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { SgTable } from '../sg/sg-table.ts';

/** Where a heap's memory comes from: `/dev/dma_heap/*`, `/dev/udmabuf`, or an arena of this process. */
export type BackendKind = 'kernel' | 'udmabuf' | 'embedded';

/** A buffer's physical layout, or why it cannot be told and what would help. */
export type BufferLayout =
  | { readonly known: true; readonly table: SgTable; readonly source: string }
  | { readonly known: false; readonly reason: string; readonly remedy?: string };

/** A heap of this machine, or one that is missing and why. */
export interface HeapListing {
  readonly name: string;
  readonly backend: BackendKind;
  readonly available: boolean;
  /** What it is, or why it is missing. */
  readonly reason: string;
  /** What would make it available. */
  readonly remedy?: string;
}

/** What a heap's memory is used for, in bytes. */
export interface BackendStats {
  /** Undefined where only the machine's memory is the limit. */
  readonly capacityBytes: number | undefined;
  /** Allocated and not yet given back, touched or not. */
  readonly usedBytes: number;
  /** Of the machine's memory, taken now: touched pages of living buffers, and warm ones. */
  readonly committedBytes: number;
  /** Committed pages without an owner, kept for the next. */
  readonly warmBytes: number;
  /** Free blocks of each order, from 0 up, as `/proc/buddyinfo` shows. Empty where the kernel keeps them. */
  readonly freeBlockCounts: readonly number[];
}

export interface AllocationRequest {
  readonly length: ByteLength;
  /** At most 31 bytes; empty where none was given. */
  readonly name: string;
  readonly shareable: boolean;
  /** Whether to record the layout where it would not be known otherwise. */
  readonly traceLayout: boolean;
}

/** Memory for one buffer. */
export interface BackendBuffer {
  readonly length: ByteLength;
  /** Who exports it, as `/proc/PID/fdinfo` would say. */
  readonly exporter: string;
  readonly source: MemorySource;
  /** By which the machine knows it: that of the dma-buf, or of the memory file where there is none. */
  readonly inode: number;
  /** The inode that its mappings show in `/proc/PID/maps`. */
  readonly mappedInode: number;
  layout(): BufferLayout;
  readonly maintenance: CpuAccessMaintenance;
  /** The dma-buf that the buffer is, or that its memory is wrapped in. */
  readonly dmaBuf: DmaBufFile | undefined;
  /** The name, for whoever looks at the machine's buffers. */
  setName(name: string): void;
  exportFd(): OwnedFd;
  /** Gives the memory back. Called once, when nothing maps it any more. */
  release(): void;
}

/** An open heap. */
export interface BackendHeap {
  readonly name: string;
  readonly backend: BackendKind;
  readonly pageSize: ByteLength;
  /** Whether a device driver can import its buffers. */
  readonly deviceImportable: boolean;
  readonly mapping: MappingContext;
  allocate(request: AllocationRequest): BackendBuffer;
  stats(): BackendStats;
  /** No more allocations. What living buffers need stays until they are released. */
  close(): void;
}
