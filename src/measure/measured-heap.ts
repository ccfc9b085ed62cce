import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { createBufferCalls } from '../backend/buffer-calls.ts';
import { EmbeddedBackend } from '../backend/embedded/embedded-backend.ts';
import { EMBEDDED_HEAP_NAME, EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import { ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP } from '../pages/order-table.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import { thisMachine } from '../linux/machine.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import type { MappingContext } from '../mapping/window.ts';

/** Settings that do not depend on the heaps of the machine. */
const CHOSEN_BECAUSE = 'only its pages can be put into a wanted mix, and looked at past the view for the proof';

/** The properties of a buffer for measurements. */
interface MeasuredHeapOptions {
  /** In whole pages. */
  readonly length: ByteLength;
  readonly mix: OrderMixName;
  readonly seed: number;
  readonly raw: RawCalls;
}

/**
 * An embedded heap with room for one buffer of a wanted mix, accessible below its API for
 * measurements.
 */
export interface MeasuredHeap {
  readonly heap: EmbeddedHeap;
  /** The orders that it allocates in, largest first. */
  readonly orders: readonly number[];
  /** The file in which page n is pfn n. */
  readonly arenaFd: BorrowedFd;
  readonly mapping: MappingContext;
}

/** @throws {DmaBufError} `ENOMEM` when the address space does not suffice for the arena */
export function openMeasuredHeap(options: MeasuredHeapOptions): MeasuredHeap {
  const { length, mix, seed, raw } = options;
  const orders = mix === 'huge' ? ORDER_TABLE_SMMU_V3 : ORDER_TABLE_SYSTEM_HEAP;
  const backend = new EmbeddedBackend({
    name: EMBEDDED_HEAP_NAME,
    capacityBytes: length,
    // Without cached memory a window borrows no page tables, so each mapping is made by mmap, as in
    // the page-by-page case.
    cachedBytesMax: toByteLength(0),
    orders,
    fragmentation: { mix, length, seed },
    contiguous: false,
    hugePages: true,
    calls: createBufferCalls(raw),
    machine: thisMachine,
  });
  const heap = new EmbeddedHeap(backend, CHOSEN_BECAUSE, {});
  return { heap, orders, arenaFd: backend.arena.fd.borrow(), mapping: backend.mapping };
}
