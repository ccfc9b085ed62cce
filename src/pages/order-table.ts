import type { Brand, Order } from '../base/quantities.ts';
import { outOfRange } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { readArray } from '../base/read-array.ts';
import { ORDER_MAX_LIMIT } from './buddy-allocator.ts';

/**
 * The orders that a heap allocates in, largest first: strictly descending, ending in 0 so that
 * every page is usable.
 */
export type OrderTable = Brand<readonly Order[], 'OrderTable'>;

const ORDERS: Argument = { action: 'make a table of orders', name: 'orders' };

/**
 * Checks a table of orders. Orders may be skipped: a heap uses the sizes that its devices map with
 * few entries.
 *
 * @throws {TypeError} when it is not an array of numbers
 * @throws {RangeError} when an order is not from 0 to 30, is not below the one before it, or the
 *   last is not 0
 */
export function toOrderTable(orders: readonly number[], argument: Argument = ORDERS): OrderTable {
  const { action, name } = argument;
  const table = readArray(orders, argument, (order, index) =>
    checkInteger(order, { action, name: `${name}[${index}]`, min: 0, max: ORDER_MAX_LIMIT }),
  );
  const descends = table.every((order, index) => index === 0 || order < (table[index - 1] as number));
  if (!descends || table.at(-1) !== 0) {
    throw outOfRange(argument, { must: 'descend and end in 0', received: table });
  }
  return Object.freeze(table) as unknown as OrderTable;
}

/**
 * The kernel's system heap (drivers/dma-buf/heaps/system_heap.c, `orders`). With 4 KiB pages 1 MiB,
 * 64 KiB and 4 KiB: sizes that IOMMUs have entries for, so that a mapping takes fewer of them and
 * misses their TLB less.
 */
export const ORDER_TABLE_SYSTEM_HEAP: OrderTable = toOrderTable([8, 4, 0]);

/**
 * MediaTek's system heap on chips with an Arm SMMUv3 (mtk_system_heap.c). With 4 KiB pages 2 MiB,
 * which is one block entry in its page tables, where 1 MiB takes 256 page entries.
 */
export const ORDER_TABLE_SMMU_V3: OrderTable = toOrderTable([9, 4, 0]);

/**
 * MediaTek's system heap with 16 KiB pages (mtk_system_heap.c): 32 MiB, one block entry of that
 * granule, 2 MiB, its contiguous range of 128 pages, and 16 KiB. Its largest order is above the
 * kernel's usual 10: the allocator's `orderMax` must be 11.
 */
export const ORDER_TABLE_16K_PAGES: OrderTable = toOrderTable([11, 7, 0]);
