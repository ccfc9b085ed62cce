// This package and the C program, on the same tables. Compares the arrays, not the times.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { MiB } from '../base/sizes.ts';
import { createPageList } from '../sg/page-list.ts';
import { pagesByEntry } from '../sg/pages-by-entry.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import { SgTable } from '../sg/sg-table.ts';
import { buildCPeer } from './c-peer.ts';
import { measureConversionPeer, runConversionPeer, runSgToPages, walksOfPeerGive } from './conversion-peer.ts';
import { measureConversion } from './conversion.ts';
import { scatteredTable } from './scattered-table.ts';

const SAMPLING = { rounds: 3, warmupRounds: 1 };
/** The base address and size of the C program's struct pages. */
const VMEMMAP = 0xffff_ea00_0000_0000n;
const STRUCT_PAGE_BYTES = 64n;

function tableOfEntries(entryCount: number): SgTable {
  const entries = Array.from({ length: entryCount }, (_, index) => ({
    pfn: 1000 + index * 5,
    offset: 0,
    length: 4096 * (1 + (index % 3)),
  }));
  return SgTable.fromEntries(entries);
}

/** The arrays of the C program: pfns by its page iterator and by its loops over entries. */
function pfnsInC(path: string, table: SgTable): { byPage: number[]; byEntry8: number[]; byEntry4: number[] } {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-dump-'));
  try {
    const dumpPrefix = join(folder, 'dump');
    runSgToPages(path, table, { rounds: 1, dumpPrefix });
    const read = (walk: string): ArrayBuffer => Uint8Array.from(readFileSync(`${dumpPrefix}.${walk}`)).buffer;
    const toPfn = (pointer: bigint): number => Number((pointer - VMEMMAP) / STRUCT_PAGE_BYTES);
    return {
      byPage: Array.from(new BigUint64Array(read('page_iterator')), toPfn),
      byEntry8: Array.from(new BigUint64Array(read('entry_loop_8')), toPfn),
      byEntry4: [...new Uint32Array(read('entry_loop_4'))],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("pagesByEntry() writes the C program's pages, at every edge of a chained table", (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  try {
    for (const entryCount of [1, 2, 127, 128, 129, 254, 255, 256, 2048]) {
      const table = tableOfEntries(entryCount);
      const pfns = [...pagesByEntry(table, { out: createPageList(table.pageCount) })];
      assert.deepEqual(pfnsInC(peer.path, table), { byPage: pfns, byEntry8: pfns, byEntry4: pfns });
    }
    const mixed = scatteredTable('aged', toByteLength(64 * MiB));
    const pfns = [...pagesByEntry(mixed, { out: createPageList(mixed.pageCount) })];
    assert.deepEqual(pfnsInC(peer.path, mixed), { byPage: pfns, byEntry8: pfns, byEntry4: pfns });
  } finally {
    peer.close();
  }
  return undefined;
});

test('pagesByEntry() writes the pages of the page iterator in C, where the patch would not', (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  try {
    const table = SgTable.fromEntries([
      { pfn: 5, offset: 4095, length: 2 },
      { pfn: 9, offset: 0, length: 0 },
      { pfn: 20, offset: 9000, length: 1 },
      { pfn: 30, offset: 1, length: 0 },
      { pfn: 40, offset: 0, length: 5000 },
      { pfn: 7, offset: 0, length: 0 },
    ]);
    const inC = pfnsInC(peer.path, table);
    assert.deepEqual(inC.byPage, [5, 6, 20, 21, 22, 30, 40, 41]);
    assert.deepEqual(inC.byEntry8, [40]);
    assert.deepEqual([...pagesByEntry(table)], inC.byPage);
  } finally {
    peer.close();
  }
  return undefined;
});

test('measureConversion() measures all three walks', () => {
  const times = measureConversion(tableOfEntries(300), SAMPLING);
  assert.deepEqual(Object.keys(times), ['byPageNs', 'byEntryNs', 'byEntry8Ns']);
  assert.ok(Object.values(times).every((time: number) => time > 0));
});

test('measureConversionPeer() measures all walks in C', (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  const times = measureConversionPeer(peer, tableOfEntries(300), { rounds: 3 });
  peer.close();
  assert.deepEqual(Object.keys(times), ['cByPageNs', 'cByEntryNs', 'cByEntry4Ns', 'cFill4Ns', 'cFill8Ns']);
  return assert.ok(Object.values(times).every((time: number | null) => time !== null && time > 0));
});

test('measureConversionPeer() has no times without a program, or for pages of an unsupported size', (context) => {
  const none = { cByPageNs: null, cByEntryNs: null, cByEntry4Ns: null, cFill4Ns: null, cFill8Ns: null };
  const missing = { built: false, reason: 'for this test', close: () => {} } as const;
  assert.deepEqual(measureConversionPeer(missing, tableOfEntries(3)), none);
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  const large = SgTable.fromEntries([{ pfn: 1, offset: 0, length: 65_536 }], { pageSize: 65_536 });
  assert.deepEqual(measureConversionPeer(peer, large), none);
  return peer.close();
});

test("runSgToPages() gives the program's output when it fails", (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  assert.throws(() => runSgToPages(peer.path, tableOfEntries(3), { rounds: 0 }), /ended with 1: sg-to-pages: usage/u);
  assert.throws(() => runSgToPages('/nonexistent', tableOfEntries(3), { rounds: 1 }), /Cannot run \/nonexistent/u);
  return peer.close();
});

test('walksOfPeerGive() is true for the pages of the table, and for no others', (context) => {
  const peer = buildCPeer('sg-to-pages');
  if (!peer.built) return context.skip(peer.reason);
  try {
    const table = scatteredTable('aged', toByteLength(8 * MiB));
    const report = runConversionPeer(peer, table, { rounds: 1 });
    assert.ok(report !== undefined);
    const pages = pagesByPage(table);
    assert.equal(walksOfPeerGive(report, pages), true);
    assert.equal(walksOfPeerGive(report, pages.toReversed()), false);
    assert.equal(walksOfPeerGive(report, pages.subarray(1)), false);
    const wrongLoop = { ...report, entry_loop_4: { ...report.entry_loop_4, checksum: 0 } };
    assert.equal(walksOfPeerGive(wrongLoop, pages), false);
  } finally {
    peer.close();
  }
  return undefined;
});
