import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { createBufferCalls } from '../backend/buffer-calls.ts';
import { EmbeddedHeap } from '../backend/embedded/heap.ts';
import {
  EMBEDDED_HEAP_NAME,
  InspectableHeap,
  ORDER_TABLE_SMMU_V3,
  ORDER_TABLE_SYSTEM_HEAP,
} from '../backend/embedded/index.ts';
import type { OrderMixName } from '../backend/embedded/index.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import type { RawCalls } from '../linux/libc.ts';
import type { MappingContext } from '../mapping/window.ts';

/** Whatever heaps the machine has. */
const CHOSEN_BECAUSE = 'only its pages can be put into a wanted mix, and looked at past the view for the proof';

/** What a buffer for measurements is to be like. */
interface MeasuredHeapOptions {
  /** In whole pages. */
  readonly length: ByteLength;
  readonly mix: OrderMixName;
  readonly seed: number;
  readonly raw: RawCalls;
}

/** An embedded heap with room for one buffer of a wanted mix, open to be measured below its API as well. */
export interface MeasuredHeap {
  readonly heap: InspectableHeap;
  /** The orders that it allocates in, largest first. */
  readonly orders: readonly number[];
  /** The file in which page n is pfn n. */
  readonly arenaFd: BorrowedFd;
  readonly mapping: MappingContext;
}

/** @throws {DmaBufError} `ENOMEM` when there is no address space for the arena */
export function openMeasuredHeap(options: MeasuredHeapOptions): MeasuredHeap {
  const { length, mix, seed, raw } = options;
  const orders = mix === 'A' ? ORDER_TABLE_SMMU_V3 : ORDER_TABLE_SYSTEM_HEAP;
  const backend = new EmbeddedHeap({
    name: EMBEDDED_HEAP_NAME,
    capacityBytes: length,
    // Without warm memory a window borrows no page tables: each mapping is made by mmap, as it is page by page.
    warmBytesMax: toByteLength(0),
    orders,
    fragmentation: { mix, length, seed },
    contiguous: false,
    calls: createBufferCalls(raw),
    root: '/',
  });
  const heap = new InspectableHeap(backend, CHOSEN_BECAUSE, {});
  return { heap, orders, arenaFd: backend.arena.fd.borrow(), mapping: backend.mapping };
}
