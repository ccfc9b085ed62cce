/** `dmabuf/pool`: frames that their owner uses over and over. */

export { createFramePool } from './frame-pool.ts';
export type { Frame, FramePool, FramePoolOptions } from './frame-pool.ts';
