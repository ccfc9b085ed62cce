import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ORDER_MAX,
  PAGE_SIZES,
  PFN_MAX,
  TABLE_PAGE_COUNT_MAX,
  UINT_MAX,
  WASM_MEMORY_BYTES_MAX,
  WASM_PAGE_BYTES,
  WINDOW_BYTES_MAX,
} from './limits.ts';
import { pagesOfOrder } from './quantities.ts';

test('PFN_MAX is the last page of 52 bits of address, and its last byte an exact number', () => {
  const lastByte = PFN_MAX * 4096 + 4095;
  assert.ok(Number.isSafeInteger(lastByte));
  assert.equal(BigInt(lastByte), 2n ** 52n - 1n);
});

test('TABLE_PAGE_COUNT_MAX pages fit 32-bit arithmetic, and their bytes exact numbers at every page size', () => {
  assert.equal(Int32Array.of(TABLE_PAGE_COUNT_MAX)[0], 2_147_483_647);
  for (const pageSize of PAGE_SIZES) assert.ok(Number.isSafeInteger(TABLE_PAGE_COUNT_MAX * pageSize));
});

test('UINT_MAX is the largest value of a Uint32Array', () => {
  assert.equal(Uint32Array.of(-1)[0], UINT_MAX);
});

test('ORDER_MAX is 4 MiB of 4 KiB pages', () => {
  assert.equal(pagesOfOrder(ORDER_MAX) * 4096, 4_194_304);
});

test('WINDOW_BYTES_MAX can be a resizable SharedArrayBuffer, and one typed array spans it', () => {
  const shared = new SharedArrayBuffer(WINDOW_BYTES_MAX, { maxByteLength: WINDOW_BYTES_MAX });
  assert.equal(new Uint8Array(shared, 0, WINDOW_BYTES_MAX).length, 4_294_967_296);
});

test('WASM_MEMORY_BYTES_MAX is where V8 stops', () => {
  const wasm = (globalThis as unknown as { WebAssembly: { validate(bytes: Uint8Array): boolean } }).WebAssembly;
  // A module of one memory whose minimum is 1 page and whose maximum is given, as LEB128 bytes.
  const moduleOf = (...maximum: number[]): Uint8Array =>
    new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3 + maximum.length, 1, 1, 1, ...maximum]);
  assert.equal(WASM_MEMORY_BYTES_MAX / WASM_PAGE_BYTES, 65_536);
  assert.equal(wasm.validate(moduleOf(0x80, 0x80, 0x04)), true);
  assert.equal(wasm.validate(moduleOf(0x81, 0x80, 0x04)), false);
});
