import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { SgTable } from '../sg/sg-table.ts';
import { isProven, proveWindow } from './window-proof.ts';

const PAGE_SIZE = 4096;
/** Runs of 4, 1 and 2 pages: 5 pages are the first or the last of one. */
const table = SgTable.fromChunks({ pfns: [8, 3, 14], orders: [2, 0, 1], pageSize: toByteLength(PAGE_SIZE) });
const PFNS = [8, 9, 10, 11, 3, 14, 15];

/** Physical pages in one array, and a window that shows `pfns` of them, one after the other. */
function machine(pfns: readonly number[]): {
  window: { subarray(offset: number, length: number): Uint8Array };
  pages: { read(pfn: number): Uint8Array; write(pfn: number, bytes: Uint8Array): void };
} {
  const memory = new Uint8Array(16 * PAGE_SIZE);
  const place = (offset: number): number => (pfns[Math.floor(offset / PAGE_SIZE)] ?? 0) * PAGE_SIZE;
  return {
    window: { subarray: (offset, length) => memory.subarray(place(offset), place(offset) + length) },
    pages: {
      read: (pfn) => memory.slice(pfn * PAGE_SIZE, (pfn + 1) * PAGE_SIZE),
      write: (pfn, bytes) => memory.set(bytes, pfn * PAGE_SIZE),
    },
  };
}

test('proveWindow finds every stamp where the window shows the pages of the table', () => {
  const { window, pages } = machine(PFNS);
  const proof = proveWindow(window, pages, table);
  assert.deepEqual(proof, { throughWindow: { written: 5, found: 5 }, throughPages: { written: 5, found: 5 } });
  assert.equal(isProven(proof), true);
});

test('proveWindow misses the stamps of two runs that the window has in the wrong order', () => {
  const { window, pages } = machine([8, 9, 10, 11, 14, 3, 15]);
  const proof = proveWindow(window, pages, table);
  assert.deepEqual(proof, { throughWindow: { written: 5, found: 3 }, throughPages: { written: 5, found: 3 } });
  assert.equal(isProven(proof), false);
});

test('proveWindow misses the stamps of a page that the window shows twice', () => {
  const { window, pages } = machine([8, 9, 10, 11, 3, 14, 14]);
  const proof = proveWindow(window, pages, table);
  assert.equal(isProven(proof), false);
  assert.equal(proof.throughPages.found, 4);
});

test('proveWindow is not content with a window over other memory', () => {
  const elsewhere = new Uint8Array(7 * PAGE_SIZE);
  const { pages } = machine(PFNS);
  const window = { subarray: (offset: number, length: number) => elsewhere.subarray(offset, offset + length) };
  const proof = proveWindow(window, pages, table);
  assert.deepEqual(proof, { throughWindow: { written: 5, found: 0 }, throughPages: { written: 5, found: 0 } });
});

test('isProven holds no proof without stamps', () => {
  const none = { written: 0, found: 0 };
  assert.equal(isProven({ throughWindow: none, throughPages: none }), false);
});
