/** What a case of a consumer is made of. */

import { KiB } from '../../src/base/sizes.ts';
import type { DmaBuf, Heap } from '../../src/index.ts';
import type { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';

/** What a life gets. */
export interface CaseWorld {
  readonly kernel: KernelFunctions;
  readonly heap: Heap;
  readonly buffers: readonly DmaBuf[];
}

/** A consumer's life. */
export interface ConsumerCase {
  readonly name: string;
  /** Of the buffers that it gets. */
  readonly lengths: readonly number[];
  /** From its beginning to its end, also where something fails in between. */
  readonly live: (world: CaseWorld) => Promise<void>;
  /** Functions that map (+) and unmap (-), in their order: those that call dma-buf's. */
  readonly calls: readonly string[];
}

export const FRAME_BYTES = 64 * KiB;

export function fill(buffer: DmaBuf, byteAt: (index: number) => number): void {
  using view = buffer.vmap();
  for (const index of view.bytes.keys()) view.bytes[index] = byteAt(index);
}

export function bytesOf(buffer: DmaBuf, offset: number, length: number): number[] {
  using view = buffer.vmap();
  return [...view.subarray(offset, length)];
}
