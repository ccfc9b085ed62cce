import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { SgTable } from '../sg/sg-table.ts';
import { pagesOfEntryEnds } from './stamps.ts';
import { isProven, proveWindow, wayThroughArena } from './window-proof.ts';
import type { SecondWay, WindowProof } from './window-proof.ts';

const PAGE_SIZE = 4096;
/** Entries of 4, 1 and 2 pages: 5 pages are the first or the last of one. */
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

function prove(window: ReturnType<typeof machine>['window'], pages: ReturnType<typeof machine>['pages']): WindowProof {
  const secondWay = wayThroughArena(pages, Uint32Array.from(PFNS));
  return proveWindow(window, secondWay, { pages: pagesOfEntryEnds(table), pageSize: PAGE_SIZE });
}

test('proveWindow finds every stamp where the window shows the pages of the table', () => {
  const { window, pages } = machine(PFNS);
  const proof = prove(window, pages);
  assert.deepEqual(proof, {
    secondWay: 'arena',
    throughWindow: { written: 5, found: 5 },
    throughSecondWay: { written: 5, found: 5 },
  });
  assert.equal(isProven(proof), true);
});

test('proveWindow misses the stamps of two runs that the window has in the wrong order', () => {
  const { window, pages } = machine([8, 9, 10, 11, 14, 3, 15]);
  const proof = prove(window, pages);
  assert.deepEqual(proof, {
    secondWay: 'arena',
    throughWindow: { written: 5, found: 3 },
    throughSecondWay: { written: 5, found: 3 },
  });
  assert.equal(isProven(proof), false);
});

test('proveWindow misses the stamps of a page that the window shows twice', () => {
  const { window, pages } = machine([8, 9, 10, 11, 3, 14, 14]);
  const proof = prove(window, pages);
  assert.equal(isProven(proof), false);
  assert.equal(proof.throughSecondWay.found, 4);
});

test('proveWindow fails for a window over other memory', () => {
  const elsewhere = new Uint8Array(7 * PAGE_SIZE);
  const { pages } = machine(PFNS);
  const window = { subarray: (offset: number, length: number) => elsewhere.subarray(offset, offset + length) };
  const proof = prove(window, pages);
  assert.deepEqual(proof, {
    secondWay: 'arena',
    throughWindow: { written: 5, found: 0 },
    throughSecondWay: { written: 5, found: 0 },
  });
});

test('isProven accepts no proof without stamps', () => {
  const none = { written: 0, found: 0 };
  assert.equal(isProven({ secondWay: 'arena', throughWindow: none, throughSecondWay: none }), false);
});

test('proveWindow fails for a second way that finds nothing, or writes nothing', () => {
  const { window } = machine(PFNS);
  const blind: SecondWay = { kind: 'process', exchangeStamps: () => 0 };
  const idle: SecondWay = { kind: 'process', exchangeStamps: (pages) => pages.length };
  const options = { pages: pagesOfEntryEnds(table), pageSize: PAGE_SIZE };
  assert.equal(isProven(proveWindow(window, blind, options)), false);
  const proof = proveWindow(window, idle, options);
  assert.deepEqual([proof.throughWindow.found, proof.throughSecondWay.found], [5, 0]);
  assert.equal(isProven(proof), false);
});
