import type { Order, PageCount } from '../base/quantities.ts';
import { pagesOfOrder, toOrder } from '../base/quantities.ts';
import type { OrderTable } from './order-table.ts';

/** A mix by its name, from the best case to the worst. */
export type OrderMixName = 'huge' | 'fresh' | 'aged' | 'fragmented' | 'single-pages';

/**
 * A fixed order, or one by its place in the heap's table. `smallestAbove0` is 0 where the table has
 * no other.
 */
export type MixOrder = number | 'largest' | 'smallestAbove0';

/** A share of a buffer's bytes, and the order of the chunks that make it up. */
export interface MixPart {
  /** Of the chunks. */
  readonly order: MixOrder;
  /** Of the buffer's bytes. */
  readonly percent: number;
}

/** The composition of a buffer, and where it occurs. */
export interface OrderMix {
  /** The orders and their shares. */
  readonly parts: readonly MixPart[];
  /** Where such a mix occurs. */
  readonly reason: string;
}

/**
 * Frozen: heaps are fragmented by these, and a program that changed them would change every heap.
 */
function frozen(mixes: Record<OrderMixName, OrderMix>): Readonly<Record<OrderMixName, OrderMix>> {
  for (const mix of Object.values(mixes)) {
    mix.parts.forEach((part) => Object.freeze(part));
    Object.freeze(mix.parts);
    Object.freeze(mix);
  }
  return Object.freeze(mixes);
}

/**
 * The mixes of orders that workloads are swept over, from a machine just booted to one that has no
 * two pages left together. Largest order first: the system heap never goes back to a larger order.
 */
export const ORDER_MIXES: Readonly<Record<OrderMixName, OrderMix>> = frozen({
  huge: {
    parts: [{ order: 9, percent: 100 }],
    reason: 'Just booted, a heap whose table begins with 9 (MediaTek with SMMUv3)',
  },
  fresh: {
    parts: [{ order: 8, percent: 100 }],
    reason: "Just booted, the kernel's own system heap: what its patches are measured on",
  },
  aged: {
    parts: [
      { order: 'largest', percent: 60 },
      { order: 'smallestAbove0', percent: 30 },
      { order: 0, percent: 10 },
    ],
    reason: 'In use for a while: large blocks run out during a large allocation',
  },
  fragmented: {
    parts: [
      { order: 'smallestAbove0', percent: 60 },
      { order: 0, percent: 40 },
    ],
    reason:
      "Fragmented: close to the page pools that a vendor's phones keep (200 MiB of order 4, 150 to 300 MiB of order 0)",
  },
  'single-pages': {
    parts: [{ order: 0, percent: 100 }],
    reason: 'The worst there is: single pages, where going by entry saves least over going by page',
  },
});

/** Every {@link OrderMixName}. */
export const ORDER_MIX_NAMES: readonly OrderMixName[] = Object.keys(ORDER_MIXES) as OrderMixName[];

/**
 * Whether `ORDER_MIXES` has a mix of that name.
 *
 * @example
 * ```ts
 * import { isOrderMixName } from 'dmabuf/embedded';
 *
 * console.log(isOrderMixName('fresh'), isOrderMixName('stale')); // true false
 * ```
 */
export function isOrderMixName(value: unknown): value is OrderMixName {
  return ORDER_MIX_NAMES.some((name) => name === value);
}

/** How many blocks of an order. */
export interface BlockCount {
  readonly order: Order;
  readonly count: number;
}

/**
 * The blocks that hold exactly `pageCount` pages in the shares of `mix`: by order, largest first,
 * none with a count of 0. Blocks are whole: a remainder smaller than a block goes to the next
 * smaller order of the mix or the table.
 */
export function blockCountsOfMix(mix: OrderMix, orders: OrderTable, pageCount: PageCount): readonly BlockCount[] {
  const parts = mix.parts.map((part) => ({ order: resolveOrder(part.order, orders), percent: part.percent }));
  const descending = [...new Set([...parts.map((part) => part.order), ...orders])].toSorted((a, b) => b - a);
  const blockCounts: BlockCount[] = [];
  let unassigned: number = pageCount;
  let carried = 0;
  for (const order of descending) {
    const percent = parts.reduce((sum, part) => sum + (part.order === order ? part.percent : 0), 0);
    const wanted = carried + Math.floor((pageCount * percent) / 100);
    const count = order === 0 ? unassigned : Math.floor(wanted / pagesOfOrder(order));
    carried = wanted - count * pagesOfOrder(order);
    unassigned -= count * pagesOfOrder(order);
    if (count > 0) blockCounts.push({ order, count });
  }
  return blockCounts;
}

function resolveOrder(order: MixOrder, orders: OrderTable): Order {
  if (typeof order === 'number') return toOrder(order);
  return (order === 'largest' ? orders[0] : orders.at(-2)) ?? toOrder(0);
}
