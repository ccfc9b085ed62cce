/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/embedded`: the embedded system heap with all its settings. */

export { openEmbeddedHeap } from './embedded-heap.ts';
export type { ArenaPages, EmbeddedHeap, EmbeddedHeapOptions } from './embedded-heap.ts';
export type { PageBlock } from '../../pages/buddy-allocator.ts';
export type { OrderTable } from '../../pages/order-table.ts';
export { ORDER_TABLE_16K_PAGES, ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP } from '../../pages/order-table.ts';
export { ORDER_MIXES, isOrderMixName } from '../../pages/order-mixes.ts';
export type { MixOrder, MixPart, OrderMix, OrderMixName } from '../../pages/order-mixes.ts';
