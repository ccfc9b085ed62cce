/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `dmabuf/sg`: scatter-gather tables, their walks into lists of pages, and the batches that vmap
 * makes of them.
 */

export { SgTable } from './sg-table.ts';
export type { SgTableOptions } from './sg-table.ts';
export type { FromPagesOptions } from './from-pages.ts';
export type { SgEntry, SgEntryLike } from './sg-entry.ts';
export type { SgRun, SgRuns } from './sg-runs.ts';
export { pagesByPage } from './pages-by-page.ts';
export { pagesByEntry } from './pages-by-entry.ts';
export { createPageList } from './page-list.ts';
export type { PageArray, PageList, PageWidth } from './page-list.ts';
export type { AddressOutputOptions, PfnOutputOptions } from './page-output.ts';
export { vmapBatches } from './vmap-batches.ts';
export type { VmapBatch } from './vmap-batches.ts';
export { ARM64_PAGE_TABLES, X86_64_PAGE_TABLES } from './page-table-model.ts';
export type { PageTableModel } from './page-table-model.ts';
export type { Pfn } from '../base/quantities.ts';
