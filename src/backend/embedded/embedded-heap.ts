import { types } from 'node:util';

import { assert } from '../../base/assert.ts';
import { contradiction, wrongType } from '../../base/argument-error.ts';
import type { Argument } from '../../base/argument-error.ts';
import { checkBoolean, checkInteger, checkOneOf, optionName, readOptions } from '../../base/check.ts';
import { TABLE_PAGE_COUNT_MAX, CACHED_BYTES_DEFAULT } from '../../base/limits.ts';
import { pagesOfOrder, roundUp, toByteLength, toOrder, toPfn } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { placeOf } from '../../base/typed-array.ts';
import { Heap } from '../../heap/heap.ts';
import type { HeapOptions } from '../../heap/heap.ts';
import { checkShareable } from '../../heap/shareable.ts';
import type { Shareable } from '../../heap/shareable.ts';
import { ORDER_MAX_LIMIT } from '../../pages/buddy-allocator.ts';
import type { PageBlock } from '../../pages/buddy-allocator.ts';
import { ORDER_MIX_NAMES } from '../../pages/order-mixes.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import { ORDER_TABLE_SYSTEM_HEAP, toOrderTable } from '../../pages/order-table.ts';
import type { OrderTable } from '../../pages/order-table.ts';
import { entryBytesMax } from '../../sg/sg-entry.ts';
import { createBufferCalls } from '../buffer-calls.ts';
import { EmbeddedBackend } from './embedded-backend.ts';
import { Machine } from '../../linux/machine.ts';

/** Options of {@link openEmbeddedHeap}. */
export interface EmbeddedHeapOptions extends HeapOptions {
  /**
   * How many bytes may be allocated at the same time. Default: half of the memory available now, or
   * less where a limit of the process (RLIMIT_FSIZE, RLIMIT_AS) leaves less. Heaps do not know of
   * each other, so with several in one process, give each its share.
   */
  readonly capacity?: number | undefined;
  /** How many freed bytes stay committed for the next owner. Default: 256 MiB. */
  readonly cached?: number | undefined;
  /**
   * The orders of its chunks, descending to 0; the largest chunk is below 4 GiB. Default: 8, 4, 0.
   */
  readonly orders?: readonly number[] | undefined;
  /**
   * Whether to make every buffer one run of pages, as a CMA heap does. `orders` are ignored then.
   * Shareable buffers are memfds all the same, and no device can import them then. Default: false.
   */
  readonly contiguous?: boolean | undefined;
  /**
   * Fragments the arena for one buffer of `length` bytes, which gets the wanted mix of orders, with
   * its chunks scattered.
   */
  readonly fragmentation?:
    | {
        /** The wanted mix of orders. */
        readonly mix: OrderMixName;
        /** The total length of the buffers. */
        readonly length: number;
        /**
         * Selects one of the fragmentations of that mix: the same seed gives the same one. Default:
         * 0.
         */
        readonly seed?: number;
      }
    | undefined;
  /**
   * Whether memory comes in transparent huge pages, where the machine allows them
   * (`shmem_enabled`): allocated and mapped many times faster, and committed in whole huge pages.
   * `false`: in ordinary pages, regardless of the machine's settings. Default: true.
   */
  readonly hugePages?: boolean | undefined;
}

const OPTION_NAMES = [
  'capacity',
  'cached',
  'orders',
  'contiguous',
  'fragmentation',
  'hugePages',
  'shareable',
  'trackAllocations',
] as const;
const SEED_MAX = 2 ** 32 - 1;
const OPEN = 'open the embedded heap';

/** The name of the embedded heap, which is that of the kernel's heap. */
export const EMBEDDED_HEAP_NAME = 'system';

/**
 * The physical pages of an embedded heap, accessed without any window: for proofs, pictures and
 * tests.
 */
export class ArenaPages {
  readonly #backend: EmbeddedBackend;

  /** @internal */
  constructor(backend: EmbeddedBackend) {
    this.#backend = backend;
  }

  /** In whole pages. */
  get pageCount(): number {
    return this.#backend.arena.pageCount;
  }

  /** A copy of the page's current contents. Reading does not commit it. */
  read(pfn: number): Uint8Array {
    return this.#backend.arena.readPage(toPfn(this.#checkPfn(pfn)));
  }

  /**
   * Writes `bytes` from the start of the page on, at most a page. The owner of its buffer sees them
   * at once.
   *
   * @throws {TypeError | RangeError} for an invalid page, or when it is not a Uint8Array of at most
   * a page
   */
  write(pfn: number, bytes: Uint8Array): void {
    const action = 'write into the page';
    if (!types.isUint8Array(bytes))
      throw wrongType({ action, name: 'bytes' }, { must: 'be a Uint8Array', received: bytes });
    const { buffer, byteOffset, length } = placeOf(bytes);
    checkInteger(length, { action, name: 'bytes.length', min: 0, max: this.#backend.pageSize });
    this.#backend.arena.writePage(toPfn(this.#checkPfn(pfn)), new Uint8Array(buffer, byteOffset, length));
  }

  /** The blocks that are free, by order from 0 up. */
  freeBlocks(): Iterable<PageBlock> {
    return this.#backend.allocator.freeBlocks();
  }

  #checkPfn(pfn: number): number {
    return checkInteger(pfn, { action: 'look at the page', name: 'pfn', min: 0, max: this.pageCount - 1 });
  }
}

/** A heap whose arena can be inspected. */
export class EmbeddedHeap extends Heap {
  /** The pages behind the heap. */
  readonly arena: ArenaPages;

  /** @internal */
  constructor(backend: EmbeddedBackend, chosenBecause: string, options: HeapOptions) {
    super(backend, chosenBecause, options);
    this.arena = new ArenaPages(backend);
  }
}

/**
 * Opens a system heap inside this process: pages of a sealed memfd, allocated by the kernel's own
 * policy.
 *
 * @throws {RangeError | TypeError} for invalid options
 * @throws {DmaBufError} `ENOMEM` when the address space does not suffice for the arena, `EFBIG`
 *   when RLIMIT_FSIZE forbids a file of its size, `EMFILE` when no descriptor is left
 *
 * @example
 * ```ts
 * import { MiB } from 'dmabuf';
 * import { openEmbeddedHeap } from 'dmabuf/embedded';
 *
 * const heap = openEmbeddedHeap({ capacity: 64 * MiB });
 * const buffer = heap.allocate(1 * MiB);
 * console.log(heap.stats().usedBytes === 1 * MiB); // true
 * buffer.close();
 * heap.close();
 * ```
 */
export function openEmbeddedHeap(options?: EmbeddedHeapOptions): EmbeddedHeap;
/** @internal */
export function openEmbeddedHeap(options: EmbeddedHeapOptions, machine: Machine): EmbeddedHeap;
export function openEmbeddedHeap(options: EmbeddedHeapOptions = {}, hidden?: unknown): EmbeddedHeap {
  const machine = Machine.hiddenIn(hidden);
  const pageSize = createBufferCalls(machine.raw).memory.pageSize();
  const checked = readEmbeddedHeapOptions(options, pageSize, { action: OPEN });
  return openCheckedEmbeddedHeap(machine, checked, 'it was asked for');
}

/** As {@link openEmbeddedHeap}, with checked options. @internal */
export function openCheckedEmbeddedHeap(
  machine: Machine,
  { trackAllocations, shareable, capacityBytes, ...options }: CheckedEmbeddedHeapOptions,
  chosenBecause: string,
): EmbeddedHeap {
  const calls = createBufferCalls(machine.raw);
  const backend = new EmbeddedBackend({
    ...options,
    name: EMBEDDED_HEAP_NAME,
    capacityBytes,
    calls,
    machine,
  });
  return new EmbeddedHeap(backend, chosenBecause, { shareable, trackAllocations });
}

/** Checked options, with the defaults filled in. */
export interface CheckedEmbeddedHeapOptions {
  /** Undefined: from the memory available when the heap is opened. */
  readonly capacityBytes: ByteLength | undefined;
  readonly cachedBytesMax: ByteLength;
  readonly orders: OrderTable;
  readonly contiguous: boolean;
  readonly fragmentation: { mix: OrderMixName; length: ByteLength; seed: number } | undefined;
  readonly hugePages: boolean;
  readonly shareable: Shareable;
  readonly trackAllocations: boolean;
}

/** The origin of the options, and their defaults. */
interface OptionsContext {
  /** Completes "Cannot …". */
  readonly action: string;
  /** The name of the object in messages. */
  readonly name?: string;
  readonly defaults?: Pick<EmbeddedHeapOptions, 'contiguous' | 'shareable' | 'trackAllocations'>;
}

/**
 * Reads each option of an embedded heap once, and checks all of them.
 *
 * @throws {TypeError | RangeError} for an invalid option
 * @internal
 */
export function readEmbeddedHeapOptions(
  options: EmbeddedHeapOptions,
  pageSize: ByteLength,
  { action, name, defaults = {} }: OptionsContext,
): CheckedEmbeddedHeapOptions {
  const plain = { ...defaults, ...readOptions(options, action, OPTION_NAMES, name) };
  const argument = (key: string): Argument => ({ action, name: optionName(key, name) });
  const { capacity, cached = CACHED_BYTES_DEFAULT, orders, fragmentation } = plain;
  const { contiguous = false, hugePages = true, shareable = false, trackAllocations = false } = plain;
  checkBoolean(hugePages, argument('hugePages'));
  checkBoolean(trackAllocations, argument('trackAllocations'));
  checkShareable(shareable, argument('shareable'));
  checkBoolean(contiguous, argument('contiguous'));
  if (contiguous && fragmentation !== undefined)
    throw contradiction(argument('fragmentation'), optionName('contiguous', name), 'exclude each other');
  return {
    capacityBytes: capacity === undefined ? undefined : toCapacityBytes(capacity, argument('capacity'), pageSize),
    cachedBytesMax: checkBytes(cached, argument('cached'), { min: 0, pageSize }),
    orders: orders === undefined ? ORDER_TABLE_SYSTEM_HEAP : checkOrders(orders, argument('orders'), pageSize),
    contiguous,
    fragmentation: checkFragmentation(fragmentation, argument('fragmentation'), pageSize),
    hugePages,
    shareable,
    trackAllocations,
  };
}

function toCapacityBytes(capacity: number, argument: Argument, pageSize: ByteLength): ByteLength {
  return toByteLength(roundUp(checkBytes(capacity, argument, { min: pageSize, pageSize }), pageSize));
}

/** At most twice what one arena can hold, because its range is twice its capacity. */
function checkBytes(value: number, argument: Argument, limits: { min: number; pageSize: ByteLength }): ByteLength {
  const max = Math.floor(TABLE_PAGE_COUNT_MAX / 4) * limits.pageSize;
  return toByteLength(checkInteger(value, { ...argument, min: limits.min, max, unit: 'bytes' }));
}

/** A chunk becomes one entry of a table. */
function checkOrders(orders: readonly number[], argument: Argument, pageSize: ByteLength): OrderTable {
  const table = toOrderTable(orders, argument);
  const { action, name } = argument;
  checkInteger(table[0], { action, name: `${name}[0]`, min: 0, max: orderLimit(pageSize) });
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
  { action, name }: Argument,
  pageSize: ByteLength,
): { mix: OrderMixName; length: ByteLength; seed: number } | undefined {
  if (fragmentation === undefined) return undefined;
  const { mix, length, seed = 0 } = readOptions(fragmentation, action, ['mix', 'length', 'seed'], name);
  return {
    mix: checkOneOf(mix, { action, name: `${name}.mix`, allowed: ORDER_MIX_NAMES }),
    length: checkBytes(length, { action, name: `${name}.length` }, { min: 1, pageSize }),
    seed: checkInteger(seed, { action, name: `${name}.seed`, min: 0, max: SEED_MAX }),
  };
}
