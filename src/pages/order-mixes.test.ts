import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toPageCount } from '../base/quantities.ts';
import { blockCountsOfMix, isOrderMixName, ORDER_MIX_NAMES, ORDER_MIXES } from './order-mixes.ts';
import type { OrderMixName } from './order-mixes.ts';
import { ORDER_TABLE_16K_PAGES, ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP, toOrderTable } from './order-table.ts';
import type { OrderTable } from './order-table.ts';

const PAGES_2_GIB = 524_288;

/** `[4]x2 [0]x3`: two blocks of order 4, then three of order 0. */
function blocksOf(mix: OrderMixName, pageCount: number, orders: OrderTable): string {
  const blockCounts = blockCountsOfMix(ORDER_MIXES[mix], orders, toPageCount(pageCount));
  return blockCounts.map(({ order, count }) => `[${order}]x${count}`).join(' ');
}

test('ORDER_MIXES each share out a whole buffer, largest order first', () => {
  assert.deepEqual(ORDER_MIX_NAMES, ['huge', 'fresh', 'aged', 'fragmented', 'single-pages']);
  for (const name of ORDER_MIX_NAMES) {
    const { parts, reason } = ORDER_MIXES[name];
    assert.equal(
      parts.reduce((sum, part) => sum + part.percent, 0),
      100,
      name,
    );
    assert.ok(reason.length > 0, name);
  }
});

test('isOrderMixName knows the letters of the mixes and nothing else', () => {
  for (const name of ['huge', 'fresh', 'aged', 'fragmented', 'single-pages']) assert.ok(isOrderMixName(name));
  for (const other of ['F', 'a', '', 'toString', 0, undefined, ['huge']]) assert.ok(!isOrderMixName(other));
});

test('blockCountsOfMix shares 2 GiB out to the page', () => {
  const expected: [mix: OrderMixName, orders: OrderTable, blocks: string][] = [
    ['huge', ORDER_TABLE_SMMU_V3, '[9]x1024'],
    ['huge', ORDER_TABLE_SYSTEM_HEAP, '[9]x1024'],
    ['fresh', ORDER_TABLE_SYSTEM_HEAP, '[8]x2048'],
    // 60 % are 314,572 pages, 1,228 blocks of 256; the 204 that are left over make 30 % 157,490
    // pages, 9,843 blocks of 16.
    ['aged', ORDER_TABLE_SYSTEM_HEAP, '[8]x1228 [4]x9843 [0]x52432'],
    // 614 blocks of 512 leave 204 as well.
    ['aged', ORDER_TABLE_SMMU_V3, '[9]x614 [4]x9843 [0]x52432'],
    // 153 blocks of 2,048 leave 1,228, which make 30 % 158,514 pages, 1,238 blocks of 128.
    ['aged', ORDER_TABLE_16K_PAGES, '[11]x153 [7]x1238 [0]x52480'],
    ['fragmented', ORDER_TABLE_SYSTEM_HEAP, '[4]x19660 [0]x209728'],
    ['single-pages', ORDER_TABLE_SYSTEM_HEAP, '[0]x524288'],
    ['aged', toOrderTable([9, 8, 4, 0]), '[9]x614 [4]x9843 [0]x52432'],
    ['fragmented', toOrderTable([0]), '[0]x524288'],
  ];
  for (const [mix, orders, blocks] of expected) {
    assert.equal(blocksOf(mix, PAGES_2_GIB, orders), blocks, `${mix} of ${orders.join()}`);
  }
});

test('blockCountsOfMix hands a remainder smaller than a block down to smaller orders of the mix and the table', () => {
  assert.equal(blocksOf('fresh', 1000, ORDER_TABLE_SYSTEM_HEAP), '[8]x3 [4]x14 [0]x8');
  assert.equal(blocksOf('huge', 511, ORDER_TABLE_SYSTEM_HEAP), '[8]x1 [4]x15 [0]x15');
  assert.equal(blocksOf('fresh', 15, ORDER_TABLE_SYSTEM_HEAP), '[0]x15');
  assert.equal(blocksOf('aged', 1, ORDER_TABLE_SYSTEM_HEAP), '[0]x1');
});
