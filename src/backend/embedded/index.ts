/** `dmabuf/embedded`: the embedded system heap with everything that can be set up about it. */

import { assert } from '../../base/assert.ts';
import { checkBoolean, checkInteger, checkOneOf, checkOptions } from '../../base/check.ts';
import { TABLE_PAGE_COUNT_MAX, WARM_BYTES_DEFAULT } from '../../base/limits.ts';
import { pagesOfOrder, roundUp, toByteLength, toOrder, toPfn } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { Heap } from '../../heap/heap.ts';
import type { HeapOptions } from '../../heap/heap.ts';
import { ORDER_MAX_LIMIT } from '../../pages/buddy-allocator.ts';
import type { PageBlock } from '../../pages/buddy-allocator.ts';
import { ORDER_MIX_NAMES } from '../../pages/order-mixes.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import { ORDER_TABLE_SYSTEM_HEAP, toOrderTable } from '../../pages/order-table.ts';
import type { OrderTable } from '../../pages/order-table.ts';
import { entryBytesMax } from '../../sg/sg-entry.ts';
import { createBufferCalls } from '../buffer-calls.ts';
import type { HeapSurroundings } from '../surroundings.ts';
import { defaultCapacity } from './capacity.ts';
import { EmbeddedHeap } from './heap.ts';

export { ORDER_TABLE_16K_PAGES, ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP } from '../../pages/order-table.ts';
export { ORDER_MIXES, isOrderMixName } from '../../pages/order-mixes.ts';
export type { OrderMixName } from '../../pages/order-mixes.ts';

/** Options of {@link openEmbeddedHeap}. */
export interface EmbeddedHeapOptions extends HeapOptions {
  /**
   * How many bytes may be allocated at a time. Default: half of the memory available now. Heaps do not know of each other: of
   * several in one process, give each its share.
   */
  readonly capacity?: number | undefined;
  /** How many freed bytes stay committed for the next owner. Default: 256 MiB. */
  readonly warm?: number | undefined;
  /** The orders that chunks are allocated in, descending to 0; the largest below 4 GiB a chunk. Default: 8, 4, 0. */
  readonly orders?: readonly number[] | undefined;
  /**
   * Makes every buffer one run of pages, as a CMA heap does; `orders` have no say then. Shareable buffers are memfds all the same, which no
   * device can import then. Default: false.
   */
  readonly contiguous?: boolean | undefined;
  /** Fragments the arena for one buffer of `length` bytes, which comes out in the wanted mix, its chunks scattered. */
  readonly fragmentation?: { readonly mix: OrderMixName; readonly length: number; readonly seed?: number } | undefined;
}

const OPTION_NAMES = ['capacity', 'warm', 'orders', 'contiguous', 'fragmentation', 'trackAllocations'];
const SEED_MAX = 2 ** 32 - 1;

/** The name under which the embedded heap goes, as the kernel's does. */
export const EMBEDDED_HEAP_NAME = 'system';

/** The physical pages of an embedded heap, seen past every window: for proofs, pictures and tests. */
export class ArenaPages {
  readonly #backend: EmbeddedHeap;

  /** @internal */
  constructor(backend: EmbeddedHeap) {
    this.#backend = backend;
  }

  get pageCount(): number {
    return this.#backend.arena.pageCount;
  }

  /** A copy of what the page holds now. Reading does not commit it. */
  read(pfn: number): Uint8Array {
    return this.#backend.arena.readPage(toPfn(this.#checkPfn(pfn)));
  }

  /** Writes `bytes` from the start of the page on, at most a page. Whose buffer it belongs to sees it at once. */
  write(pfn: number, bytes: Uint8Array): void {
    checkInteger(bytes.length, 'write into a page', { min: 0, max: this.#backend.pageSize });
    this.#backend.arena.writePage(toPfn(this.#checkPfn(pfn)), bytes);
  }

  /** The blocks that are free, by order from 0 up. */
  freeBlocks(): Iterable<PageBlock> {
    return this.#backend.allocator.freeBlocks();
  }

  #checkPfn(pfn: number): number {
    return checkInteger(pfn, 'look at the page', { min: 0, max: this.pageCount - 1 });
  }
}

/** A heap whose arena can be looked into. */
export class InspectableHeap extends Heap {
  readonly arena: ArenaPages;

  /** @internal */
  constructor(backend: EmbeddedHeap, chosenBecause: string, options: HeapOptions) {
    super(backend, chosenBecause, options);
    this.arena = new ArenaPages(backend);
  }
}

/**
 * Opens a system heap inside this process: pages of a sealed memfd, allocated by the kernel's own policy.
 *
 * @throws {RangeError | TypeError} for options that are none
 * @throws {DmaBufError} `ENOMEM` when there is no address space for the arena, `EMFILE` when there is no descriptor
 */
export function openEmbeddedHeap(options: EmbeddedHeapOptions = {}): InspectableHeap {
  return openEmbeddedHeapWithin({}, options, 'it was asked for');
}

/** As {@link openEmbeddedHeap}, in other surroundings. @internal */
export function openEmbeddedHeapWithin(
  surroundings: HeapSurroundings,
  options: EmbeddedHeapOptions,
  chosenBecause: string,
): InspectableHeap {
  checkOptions(options, 'open the embedded heap', OPTION_NAMES);
  const { trackAllocations = false } = options;
  checkBoolean(trackAllocations, 'open the embedded heap with trackAllocations');
  const { raw, root = '/' } = surroundings;
  const contiguous = checkBoolean(options.contiguous ?? false, 'make the buffers contiguous');
  if (contiguous && options.fragmentation !== undefined)
    throw new TypeError('Cannot fragment the heap as its buffers are to be contiguous: leave one of the options out');
  const calls = createBufferCalls(raw);
  const pageSize = calls.system.pageSize();
  const backend = new EmbeddedHeap({
    name: EMBEDDED_HEAP_NAME,
    capacityBytes:
      options.capacity === undefined ? defaultCapacity(pageSize, root) : toCapacityBytes(options.capacity, pageSize),
    warmBytesMax: checkBytes(options.warm ?? WARM_BYTES_DEFAULT, 'keep warm memory', { min: 0, pageSize }),
    orders: options.orders === undefined ? ORDER_TABLE_SYSTEM_HEAP : checkOrders(options.orders, pageSize),
    contiguous,
    fragmentation: checkFragmentation(options.fragmentation, pageSize),
    calls,
    root,
  });
  return new InspectableHeap(backend, chosenBecause, options);
}

function toCapacityBytes(capacity: number, pageSize: ByteLength): ByteLength {
  const checked = checkBytes(capacity, 'open the embedded heap with a capacity', { min: pageSize, pageSize });
  return toByteLength(roundUp(checked, pageSize));
}

/** At most what one arena can hold twice over, since its range is twice its capacity. */
function checkBytes(value: number, what: string, limits: { min: number; pageSize: ByteLength }): ByteLength {
  const max = Math.floor(TABLE_PAGE_COUNT_MAX / 4) * limits.pageSize;
  return toByteLength(checkInteger(value, what, { min: limits.min, max }));
}

/** A chunk becomes one entry of a table. */
function checkOrders(orders: readonly number[], pageSize: ByteLength): OrderTable {
  const table = toOrderTable(orders);
  const max = orderLimit(pageSize);
  checkInteger(table[0], 'open the embedded heap with a largest order', { min: 0, max });
  return table;
}

/** The largest order whose chunks an entry can hold. */
function orderLimit(pageSize: ByteLength): number {
  let order = 0;
  while (pagesOfOrder(toOrder(order + 1)) * pageSize <= entryBytesMax(pageSize)) order += 1;
  assert(order < ORDER_MAX_LIMIT, 'The allocator must keep one order above it, which holds the buddies of its chunks');
  return order;
}

function checkFragmentation(
  fragmentation: EmbeddedHeapOptions['fragmentation'],
  pageSize: ByteLength,
): { mix: OrderMixName; length: ByteLength; seed: number } | undefined {
  if (fragmentation === undefined) return undefined;
  checkOptions(fragmentation, 'fragment the heap', ['mix', 'length', 'seed']);
  return {
    mix: checkOneOf(fragmentation.mix, 'fragment the heap with a mix', ORDER_MIX_NAMES),
    length: checkBytes(fragmentation.length, 'fragment the heap for a length', { min: 1, pageSize }),
    seed: checkInteger(fragmentation.seed ?? 0, 'fragment the heap with a seed', { min: 0, max: SEED_MAX }),
  };
}
