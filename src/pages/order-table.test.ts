import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ORDER_TABLE_16K_PAGES, ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP, toOrderTable } from './order-table.ts';

test('toOrderTable takes descending orders that end in 0', () => {
  assert.deepEqual([...toOrderTable([0])], [0]);
  assert.deepEqual([...toOrderTable([30, 9, 8, 4, 0])], [30, 9, 8, 4, 0]);
});

test('toOrderTable copies: a change to its argument changes no heap', () => {
  const orders = [8, 4, 0];
  const table = toOrderTable(orders);
  orders[0] = 31;
  assert.deepEqual([...table], [8, 4, 0]);
  assert.ok(Object.isFrozen(table));
});

test('toOrderTable refuses tables that rise, repeat, stop above 0, or are empty', () => {
  for (const orders of [[4, 8, 0], [8, 8, 0], [8, 4], [8, 0, 0], []]) {
    assert.throws(() => toOrderTable(orders), RangeError);
  }
  assert.throws(() => toOrderTable([8, 4]), {
    message: "Cannot make a table of orders: 'orders' must descend and end in 0, received [ 8, 4 ]",
  });
});

test('toOrderTable refuses values that are not orders', () => {
  for (const orders of [
    [31, 0],
    [0.5, 0],
    [4, -1],
    [Number.NaN, 0],
  ]) {
    assert.throws(() => toOrderTable(orders), RangeError);
  }
  for (const orders of [['8', '0'], '840', undefined, { length: 1, 0: 0 }]) {
    assert.throws(() => toOrderTable(orders as unknown as number[]), TypeError);
  }
});

test('ORDER_TABLE_* are the orders of the heaps that they are named after', () => {
  assert.deepEqual([...ORDER_TABLE_SYSTEM_HEAP], [8, 4, 0]);
  assert.deepEqual([...ORDER_TABLE_SMMU_V3], [9, 4, 0]);
  assert.deepEqual([...ORDER_TABLE_16K_PAGES], [11, 7, 0]);
});
