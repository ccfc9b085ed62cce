import { PAGE_SIZE_DEFAULT } from '../base/limits.ts';
import { pagesCoveringBytes, pagesOfOrder } from '../base/quantities.ts';
import type { ByteLength, PageCount } from '../base/quantities.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { blockCountsOfMix, ORDER_MIXES } from '../pages/order-mixes.ts';
import type { BlockCount, OrderMixName } from '../pages/order-mixes.ts';
import { ORDER_TABLE_SYSTEM_HEAP } from '../pages/order-table.ts';
import { SgTable } from '../sg/sg-table.ts';

/**
 * From 1 GiB up, where the memory of many boards begins: no chunk is at pfn 0, which is a special
 * case.
 */
const PFN_FIRST = 2 ** 18;

/** Every other one of 2 × `count` places, in random order, so that no two chunks touch. */
function scatter(block: BlockCount, pfnFirst: number, random: SeededRandom): Uint32Array {
  const pfns = Uint32Array.from(
    { length: block.count },
    (_, index) => pfnFirst + 2 * index * pagesOfOrder(block.order),
  );
  random.shuffle(pfns);
  return pfns;
}

/**
 * The table of a buffer of `length` bytes with scattered chunks in the orders of `mix`, largest
 * first: no chunk follows another in memory. The same table for the same arguments.
 */
export function scatteredTable(mix: OrderMixName, length: ByteLength, seed = 1): SgTable {
  const pageCount: PageCount = pagesCoveringBytes(length, PAGE_SIZE_DEFAULT);
  const blocks = blockCountsOfMix(ORDER_MIXES[mix], ORDER_TABLE_SYSTEM_HEAP, pageCount);
  const random = new SeededRandom(seed);
  const pfns = new Uint32Array(blocks.reduce((sum, block) => sum + block.count, 0));
  const orders = new Uint8Array(pfns.length);
  let entry = 0;
  let pfnNext = PFN_FIRST;
  for (const block of blocks) {
    pfns.set(scatter(block, pfnNext, random), entry);
    orders.fill(block.order, entry, entry + block.count);
    entry += block.count;
    pfnNext += 2 * block.count * pagesOfOrder(block.order);
  }
  return SgTable.fromChunks({ pfns, orders, pageSize: PAGE_SIZE_DEFAULT });
}
