import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import type { MainJobReport } from '../measure/main-job.ts';
import { SgTable } from '../sg/sg-table.ts';
import { toJson } from './vmap-json.ts';
import { formatReport } from './vmap-report.ts';

const PLAIN = { bold: (text: string): string => text, dim: (text: string): string => text };

const table = SgTable.fromChunks({
  pfns: [512, 0, 1024, 1056],
  orders: [8, 8, 4, 0],
  pageSize: toByteLength(4096),
});

const REPORT: MainJobReport = {
  heap: {
    name: 'system',
    backend: 'embedded',
    chosenBecause: 'kernel: there is no /dev/dma_heap; udmabuf: there is no /dev/udmabuf',
    orders: [8, 4, 0],
    arenaPageCount: 1_048_576,
  },
  mix: 'C',
  length: 529 * 4096,
  table,
  conversion: {
    times: {
      byPageNs: 2000,
      byEntryNs: 100,
      byEntry8Ns: 200,
      cByPageNs: 1500,
      cByEntryNs: 250,
      cByEntry4Ns: 240,
      cFill4Ns: 50,
      cFill8Ns: 60,
    },
    peer: { built: true, description: 'cc 12.2.0, -O2' },
    walksAgree: true,
  },
  vmap: {
    mapped: true,
    firstTouchNs: 3_000_000,
    byRun: { callCount: 4, mappedNs: 20_000, mappedAndTouchedNs: 100_000, roundCount: 11 },
    byPage: { callCount: 529, mappedNs: 1_500_000, mappedAndTouchedNs: 1_600_000, roundCount: 11 },
    proof: { throughWindow: { written: 7, found: 7 }, throughPages: { written: 7, found: 7 } },
  },
  verified: true,
};

const REFUSED: MainJobReport = {
  ...REPORT,
  vmap: { mapped: false, refusal: 'Cannot map 524289 runs', callCount: 0, lengthThatMaps: 227 * 1024 * 1024 },
  verified: undefined,
};

function linesFrom(report: MainJobReport, heading: string): string[] {
  const lines = formatReport(report, PLAIN);
  const start = lines.findIndex((line) => line.startsWith(heading));
  const end = lines.indexOf('', start);
  return lines.slice(start, end === -1 ? undefined : end);
}

test('formatReport tells heap, backend and why, buffer and mix first', () => {
  assert.deepEqual(linesFrom(REPORT, 'A buffer'), [
    'A buffer of 2.1 MiB, mix C',
    '  heap     "system", embedded backend; orders 8, 4, 0; arena of 4 GiB',
    '  why      kernel: there is no /dev/dma_heap; udmabuf: there is no /dev/udmabuf',
    '  buffer   529 pages of 4 KiB, 4 entries in 4 runs',
    '  mix      In use for a while: large blocks run out during a large allocation',
  ]);
});

test('formatReport draws the layout and the first runs', () => {
  const lines = formatReport(REPORT, PLAIN);
  assert.ok(lines.includes('  page → pfns: 0 → 512-767, 256 → 0-255, 512 → 1024-1039, 528 → 1056'));
  assert.ok(lines.includes("  one block: 64 KiB; the buffer's: · none  ░ to 1/4  ▒ to 1/2  ▓ more  █ all"));
  // 1,057 pages in stripes of 16: 256 of them the buffer's, 256 not, 256, 256 not, 16, and 1 of the last 16.
  assert.ok(lines.includes(`     0 ${'█'.repeat(16)}${'·'.repeat(16)}${'█'.repeat(16)}${'·'.repeat(16)}`));
  assert.ok(lines.includes('  1024 █·░'));
  assert.ok(lines.includes(`  1056 █${'·'.repeat(15)}`));
});

test('formatReport sets times, ns a page and gains side by side', () => {
  assert.deepEqual(linesFrom(REPORT, 'What each step costs'), [
    'What each step costs                    mmap calls     time  ns/page   gain',
    '  sg table → array of pages',
    '    page by page, 4-byte pfns                       2.00 µs     3.78   1.0x',
    '    entry by entry, 4-byte pfns                      100 ns     0.19  20.0x',
    '    entry by entry, 8-byte addresses                 200 ns     0.38  10.0x',
    '  the same table in C (cc 12.2.0, -O2)',
    '    page iterator, 8-byte pointers                  1.50 µs     2.84   1.0x',
    '    entry loop, 8-byte pointers                      250 ns     0.47   6.0x',
    '    entry loop, 4-byte pfns                          240 ns     0.45   6.3x',
    "    C's entry loop gains 6.0x on its iterator; in the kernel patch's mail, 6.2x",
    "    entry by entry here against C's page iterator: 15.0x",
    "    entry by entry here against C's entry loop: 2.4x (4 bytes), 1.3x (8 bytes)",
    '  one contiguous view (vmap), mapped',
    '    page by page                               529  1.50 ms    2,836   1.0x',
    '    run by run                                   4  20.0 µs     37.8  75.0x',
    '  mapped and touched (a byte of each page read)',
    '    page by page                               529  1.60 ms    3,025   1.0x',
    '    run by run                                   4   100 µs      189  16.0x',
    '    before, the first touch committed and zeroed the memory in 3.00 ms',
  ]);
});

test('formatReport says how many stamps were found of those written', () => {
  assert.deepEqual(linesFrom(REPORT, 'Proof'), [
    'Proof: the view is right',
    '  both walks give the same pages: 529',
    "  stamps written through the view, found in the arena's pages: 7 of 7",
    "  stamps written into the arena's pages, seen through the view: 7 of 7",
    '  (first and last page of every run; every stamp is different)',
  ]);
});

test('formatReport cannot be mistaken when the view is wrong', () => {
  assert.ok(REPORT.vmap.mapped);
  const proof = { throughWindow: { written: 7, found: 5 }, throughPages: { written: 7, found: 7 } };
  const lines = linesFrom({ ...REPORT, vmap: { ...REPORT.vmap, proof }, verified: false }, 'Proof');
  assert.equal(lines[0], 'Proof: THE VIEW IS WRONG');
  assert.equal(lines[2], "  stamps written through the view, found in the arena's pages: 5 of 7");
});

test('formatReport says where there is no C compiler', () => {
  const times = { ...REPORT.conversion.times, cByPageNs: null, cByEntryNs: null, cByEntry4Ns: null };
  const peer = { built: false, description: 'no C compiler answers' };
  const lines = linesFrom({ ...REPORT, conversion: { ...REPORT.conversion, times, peer } }, 'What each step costs');
  assert.deepEqual(lines.slice(4, 8), [
    '    entry by entry, 8-byte addresses                 200 ns     0.38  10.0x',
    '  the same in C',
    '    not measured: no C compiler answers',
    '  one contiguous view (vmap), mapped',
  ]);
});

test('formatReport shows a refused view plainly, and what could be mapped', () => {
  const lines = linesFrom(REFUSED, 'What each step costs');
  assert.deepEqual(lines.slice(-3), [
    '  one contiguous view (vmap)',
    '    refused before the first call of mmap: Cannot map 524289 runs',
    '    a smaller buffer of this mix can be mapped: dmabuf vmap 227MiB --mix C',
  ]);
  assert.deepEqual(linesFrom(REFUSED, 'Proof'), [
    'Proof',
    '  both walks give the same pages: 529',
    '  no view, so nothing to prove',
  ]);
});

test('formatReport leaves page by page out where it was not measured', () => {
  assert.ok(REPORT.vmap.mapped);
  const lines = linesFrom({ ...REPORT, vmap: { ...REPORT.vmap, byPage: undefined } }, 'What each step costs');
  assert.deepEqual(lines.slice(-6), [
    '  one contiguous view (vmap), mapped',
    '    run by run                                   4  20.0 µs     37.8',
    '    page by page is left out above 4 GiB: it takes too long',
    '  mapped and touched (a byte of each page read)',
    '    run by run                                   4   100 µs      189',
    '    before, the first touch committed and zeroed the memory in 3.00 ms',
  ]);
});

test('formatReport stays within 80 columns', () => {
  for (const report of [REPORT, REFUSED]) {
    const long = formatReport(report, PLAIN).filter((line) => line.length > 80);
    assert.deepEqual(long, []);
  }
});

test('toJson has every key, null where not measured', () => {
  assert.deepEqual(toJson(REFUSED), {
    size: 2_166_784,
    pages: 529,
    entries: 4,
    runs: 4,
    heap: 'system',
    backend: 'embedded',
    mix: 'C',
    orders: { 8: 2, 4: 1, 0: 1 },
    conversion: REPORT.conversion.times,
    vmap: {
      byRunNs: null,
      byRunTouchedNs: null,
      byRunCalls: null,
      byPageNs: null,
      byPageTouchedNs: null,
      byPageCalls: null,
      firstTouchNs: null,
    },
    refusal: 'Cannot map 524289 runs',
    stamps: null,
    verified: null,
  });
  assert.deepEqual(toJson(REPORT).vmap, {
    byRunNs: 20_000,
    byRunTouchedNs: 100_000,
    byRunCalls: 4,
    byPageNs: 1_500_000,
    byPageTouchedNs: 1_600_000,
    byPageCalls: 529,
    firstTouchNs: 3_000_000,
  });
  assert.deepEqual(toJson(REPORT).stamps, { written: 14, found: 14 });
  assert.equal(toJson(REPORT).verified, true);
});
