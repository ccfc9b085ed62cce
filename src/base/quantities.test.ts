import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  bytesOfPages,
  pagesCoveringBytes,
  pagesOfOrder,
  roundUp,
  toAddress,
  toByteLength,
  toOrder,
  toPageCount,
  toPfn,
} from './quantities.ts';

const NO_COUNTS = [-1, 0.5, Number.NaN, Infinity, 2 ** 53];

test('toPfn, toPageCount and toByteLength take whole numbers from 0, and no others', () => {
  for (const convert of [toPfn, toPageCount, toByteLength]) {
    for (const value of [0, 1, 2 ** 40, 2 ** 53 - 1]) assert.equal(convert(value), value);
    for (const value of NO_COUNTS) assert.throws(() => convert(value), { name: 'InvariantError' });
  }
});

test('toOrder takes whole numbers from 0 to 30, and no others', () => {
  for (const value of [0, 10, 30]) assert.equal(toOrder(value), value);
  for (const value of [...NO_COUNTS, 31]) assert.throws(() => toOrder(value), { name: 'InvariantError' });
});

test('toAddress takes whole numbers above 0: NULL is no address', () => {
  for (const value of [1, 0x7fff_ffff_f000]) assert.equal(toAddress(value), value);
  for (const value of [...NO_COUNTS, 0]) assert.throws(() => toAddress(value), { name: 'InvariantError' });
});

test('pagesOfOrder is a power of two, also where a 32-bit shift would be negative', () => {
  for (const [order, pageCount] of [
    [0, 1],
    [4, 16],
    [8, 256],
    [10, 1024],
    [30, 1_073_741_824],
  ] as const) {
    assert.equal(pagesOfOrder(toOrder(order)), pageCount);
  }
});

test('bytesOfPages multiplies beyond 32 bits, and asserts that the product is exact', () => {
  assert.equal(bytesOfPages(toPageCount(524_288), toByteLength(4096)), 2_147_483_648);
  assert.equal(bytesOfPages(toPageCount(2 ** 31 - 1), toByteLength(65_536)), 140_737_488_289_792);
  assert.throws(() => bytesOfPages(toPageCount(2 ** 50), toByteLength(4096)), { name: 'InvariantError' });
});

test('roundUp gives multiples of the unit, the value itself where it is one, also beyond 32 bits', () => {
  for (const [value, unit, multiple] of [
    [0, 8, 0],
    [1, 8, 8],
    [8, 8, 8],
    [9, 8, 16],
    [65_537, 65_536, 131_072],
    [2 ** 32 + 1, 2 ** 22, 4_299_161_600],
  ] as const) {
    assert.equal(roundUp(value, unit), multiple);
  }
});

test('pagesCoveringBytes counts a partial page as whole', () => {
  for (const [length, pageCount] of [
    [0, 0],
    [1, 1],
    [4095, 1],
    [4096, 1],
    [4097, 2],
    [2_147_483_648, 524_288],
    [2_147_483_649, 524_289],
  ] as const) {
    assert.equal(pagesCoveringBytes(toByteLength(length), toByteLength(4096)), pageCount);
  }
});
