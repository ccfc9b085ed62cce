/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `dmabuf/pool`: frames that one owner uses over and over, and small allocations out of large
 * chunks.
 */

export { createFramePool } from './frame-pool.ts';
export type { PooledFrame, FramePool, FramePoolOptions } from './frame-pool.ts';
export { createSuballocator } from './suballocator.ts';
export type { Suballocator, SuballocatorOptions, SuballocatorStats } from './suballocator.ts';
export type { Suballocation } from './suballocation.ts';
