export { openHeap } from './backend/open-heap.ts';
export type { OpenHeapOptions } from './backend/open-heap.ts';
export { listHeaps } from './backend/detect.ts';
export type { BackendKind, BufferLayout, HeapListing } from './backend/contract.ts';
export type { AccessMode } from './linux/dma-buf-sync.ts';

export type { AllocateOptions, Heap, HeapOptions, HeapStats } from './heap/heap.ts';
export type { DmaBuf, VmapOptions } from './heap/dma-buf.ts';
export type { BufferView, TypedArrayConstructor } from './heap/view.ts';
export type { CpuAccess } from './heap/cpu-access.ts';
export type { AccessOptions, AccessSyncOptions } from './heap/access-options.ts';
export { discardHandle, openHandle } from './heap/shared-buffer.ts';
export type { BufferHandle, SharedBuffer } from './heap/shared-buffer.ts';
export { createWasmSpace } from './heap/wasm-space.ts';
export type { WasmMapping, WasmMemory, WasmSpace, WasmSpaceOptions } from './heap/wasm-space.ts';
export { Fence } from './heap/fence.ts';
export type { WaitOptions } from './heap/fence.ts';
export type { FenceUsage } from './heap/reservation.ts';
export type { Attachment, Importer } from './heap/attachment.ts';
export type { OwnedFd } from './linux/fd.ts';

export { SgTable } from './sg/sg-table.ts';
export type { SgTableOptions } from './sg/sg-table.ts';
export type { FromPagesOptions } from './sg/from-pages.ts';
export type { SgEntry, SgEntryLike } from './sg/sg-entry.ts';
export type { SgRun, SgRuns } from './sg/sg-runs.ts';
export { pagesByPage } from './sg/pages-by-page.ts';
export { pagesByEntry } from './sg/pages-by-entry.ts';
export { createPageList } from './sg/page-list.ts';
export type { PageList, PageWidth } from './sg/page-list.ts';
export type { AddressOutputOptions, PfnOutputOptions } from './sg/page-output.ts';
export { vmapBatches } from './sg/vmap-batches.ts';
export { ARM64_PAGE_TABLES, X86_64_PAGE_TABLES } from './sg/page-table-model.ts';
export type { PageTableModel } from './sg/page-table-model.ts';

export { GiB, KiB, MiB, TiB, formatSize, parseSize } from './base/sizes.ts';
export { DmaBufError, isDmaBufError } from './base/errors.ts';
export type { DmaBufErrorCode, DmaBufErrorFields, ErrnoName } from './base/errors.ts';
