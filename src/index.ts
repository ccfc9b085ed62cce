/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf`: heaps, buffers, views, sync files, errors, sizes. */

export { openHeap } from './backend/open-heap.ts';
export type { OpenHeapOptions } from './backend/open-heap-options.ts';
export type { HeapRequirement } from './backend/requirements.ts';
export { importBuffer } from './backend/fd-buffer/import-buffer.ts';
export type { ImportMode, ImportOptions } from './backend/fd-buffer/import-buffer.ts';
export { createUdmabuf } from './backend/udmabuf/create-udmabuf.ts';
export type { CreateUdmabufOptions, UdmabufItem } from './backend/udmabuf/create-udmabuf.ts';
export { listHeaps } from './backend/list-heaps.ts';
export type { BackendKind, BufferLayout, HeapInfo, HugePageUse } from './heap/backend.ts';
export type { AccessMode } from './linux/calls/cpu-access-maintenance.ts';

export type { AllocateOptions, Heap, HeapOptions, HeapStats } from './heap/heap.ts';
export type { Shareable } from './heap/shareable.ts';
export type { DmaBuf } from './heap/dma-buf.ts';
export type { VmapOptions } from './heap/vmap-options.ts';
export type { BufferView, TypedArrayConstructor } from './heap/view.ts';
export type { CpuAccess } from './heap/cpu-access.ts';
export type { ReadSpeed } from './heap/read-speed.ts';
export type { AccessSyncOptions } from './heap/cpu-access.ts';
export { discardHandle, openHandle } from './heap/worker-buffer.ts';
export type { BufferHandle } from './heap/buffer-handle.ts';
export type { WorkerBuffer } from './heap/worker-buffer.ts';
export { SyncFile } from './heap/sync-file.ts';
export type { SyncFenceInfo, SyncFileInfo } from './linux/calls/sync-file-calls.ts';
export { OwnedFd } from './linux/calls/fd.ts';
export type { BorrowedFd } from './linux/calls/fd.ts';
export type { WaitOptions } from './base/abort.ts';

export { GiB, KiB, MiB, TiB, formatSize, parseSize } from './base/sizes.ts';
export type { ArgumentErrorCode } from './base/argument-error.ts';
export { DmaBufError, isDmaBufError } from './base/errors.ts';
export type { DmaBufErrorCode, DmaBufErrorFields, ErrnoName } from './base/errors.ts';
export type { ByteLength, Order, PageCount } from './base/quantities.ts';
