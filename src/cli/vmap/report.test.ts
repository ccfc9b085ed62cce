import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MainJobReport } from '../../measure/main-job.ts';
import { toMainJobJson } from '../../measure/main-job-json.ts';
import { formatReport } from './report.ts';
import { REPORT, KERNEL, UDMABUF } from '../../../test/support/fakes/main-job-reports.ts';

const PLAIN = { bold: (text: string): string => text, dim: (text: string): string => text, columns: 80 };

const { vmap: MAPPED } = REPORT;

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

test('formatReport begins with heap, backend and reason, buffer and mix', () => {
  assert.deepEqual(linesFrom(REPORT, 'A buffer'), [
    'A buffer of 2.1 MiB, mix aged',
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
  // 1,057 pages in stripes of 16: 256 of them the buffer's, 256 not, 256, 256 not, 16, and 1 of the
  // last 16.
  assert.ok(lines.includes(`     0 ${'█'.repeat(16)}${'·'.repeat(16)}${'█'.repeat(16)}${'·'.repeat(16)}`));
  assert.ok(lines.includes('  1024 █·░'));
  assert.ok(lines.includes(`  1056 █${'·'.repeat(15)}`));
});

test('formatReport puts times, ns per page and gains side by side', () => {
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
    '    every page of that view touched again in 60.0 µs',
    '    read at 5.0 GiB/s: 0.50x the speed of ordinary memory',
  ]);
});

test('formatReport gives the number of stamps found and written', () => {
  assert.deepEqual(linesFrom(REPORT, 'Proof'), [
    'Proof: the view is right',
    '  both walks give the same pages, here and in C: 529',
    "  stamps written through the view, found in the arena's pages: 7 of 7",
    "  stamps written into the arena's pages, seen through the view: 7 of 7",
    '  (first and last page of every entry; every stamp is different)',
  ]);
});

test('formatReport is unmistakable when the view is wrong', () => {
  const proof = { ...MAPPED.proof, throughWindow: { written: 7, found: 5 } };
  const lines = linesFrom({ ...REPORT, vmap: { ...MAPPED, proof }, verified: false }, 'Proof');
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
    '    a smaller buffer of this mix can be mapped: dmabuf vmap 227MiB --mix aged',
  ]);
  assert.deepEqual(linesFrom(REFUSED, 'Proof'), [
    'Proof',
    '  both walks give the same pages, here and in C: 529',
    '  no view, so nothing to prove',
  ]);
});

test('formatReport names for a kernel heap the source of its table, and the memory held to fragment it', () => {
  assert.deepEqual(linesFrom(KERNEL, 'A buffer'), [
    'A buffer of 2.1 MiB',
    '  heap     "system", kernel backend',
    '  why      it was asked for',
    '  buffer   529 pages of 4 KiB, 4 entries in 4 runs',
    '  table    the trace of its allocation (kmem:mm_page_alloc)',
    "  mix      the kernel's own, with 3 GiB of its memory held so that free blocks",
    '           are small',
    '  clock    counts instructions, not time: those of an emulated machine, whatever',
    '           it costs to emulate them',
  ]);
  assert.ok(formatReport(KERNEL, PLAIN).includes('Where its pages lie in physical memory (pfns on the left)'));
});

test('formatReport counts instructions where the clock does, and gives the number of parts of a view', () => {
  const lines = linesFrom(KERNEL, 'What each step costs');
  assert.equal(lines[0], 'What each step costs, in instructions   mmap calls  instr.  per page   gain');
  assert.deepEqual(lines.slice(12), [
    '  one contiguous view (vmap), mapped',
    '    page by page                               529   750 k     1,418   1.0x',
    '    one mapping                                  1  10.0 k      18.9  75.0x',
    '    page by page in 3 parts, one after the other: every page is a mapping of its',
    '    own, and vm.max_map_count allows fewer',
    '  mapped and touched (a byte of each page read)',
    '    page by page                               529   800 k     1,512   1.0x',
    '    one mapping                                  1  50.0 k      94.5  16.0x',
    '    before, the first view was mapped and touched in 1.50 M instructions',
    '    every page of that view touched again in 30.0 k instructions',
    '    read at 0.50x the speed of ordinary memory',
  ]);
});

test('formatReport gives the results of another process, and of physical memory', () => {
  assert.deepEqual(linesFrom(KERNEL, 'Proof'), [
    'Proof: the view is right',
    '  both walks give the same pages, here and in C: 529',
    '  stamps written through the view, found by another process: 7 of 7',
    '  stamps written by another process, seen through the view: 7 of 7',
    '  the same, read from physical memory where the table says: 7 of 7',
    '  (first and last page of every entry; every stamp is different)',
  ]);
});

test('formatReport has no conversion of an unknown table, and gives the remedy', () => {
  const lines = formatReport(UDMABUF, PLAIN);
  assert.ok(!lines.some((line) => /^(?:Where its pages lie|Entries by order|Runs by order)/u.test(line)));
  assert.deepEqual(linesFrom(UDMABUF, 'A buffer').slice(3, 6), [
    '  buffer   529 pages of 4 KiB',
    '  table    not known, as where the pages of its memfd lie is told only to root:',
    '           run this as root',
  ]);
  assert.deepEqual(linesFrom(UDMABUF, 'What each step costs').slice(1, 8), [
    '  sg table → array of pages',
    '    not measured, as where the pages of its memfd lie is told only to root: run',
    '    this as root',
    '  one contiguous view (vmap), mapped',
    '    one mapping                                  4  20.0 µs     37.8',
    '    page by page is left out: it would take about 340 s, and nobody waits that',
    '    long',
  ]);
  assert.deepEqual(linesFrom(UDMABUF, 'Proof').slice(1), [
    '  no table, so no walks to compare',
    '  stamps written through the view, found by another process: 7 of 7',
    '  stamps written by another process, seen through the view: 7 of 7',
    '  (every 16th page, and the last; every stamp is different)',
    '  (the other process maps the dma-buf; the view is of the memfd behind it)',
  ]);
});

test('formatReport stays within 80 columns', () => {
  for (const report of [REPORT, REFUSED, KERNEL, UDMABUF]) {
    const long = formatReport(report, PLAIN).filter((line) => line.length > 80);
    assert.deepEqual(long, []);
  }
});

test('toMainJobJson has every key, null where not measured', () => {
  assert.deepEqual(toMainJobJson(REFUSED), {
    format: 'dmabuf-vmap',
    version: 1,
    size: 2_166_784,
    pages: 529,
    entries: 4,
    runs: 4,
    heap: 'system',
    backend: 'embedded',
    mix: 'aged',
    orders: { 8: 2, 4: 1, 0: 1 },
    layoutSource: 'the arena of the embedded heap',
    layoutRefusal: null,
    heldBytes: null,
    instructionNs: null,
    conversion: REPORT.conversion.times,
    vmap: {
      byRunNs: null,
      byRunTouchedNs: null,
      byRunCalls: null,
      byPageNs: null,
      byPageTouchedNs: null,
      byPageCalls: null,
      byPageParts: null,
      firstTouchNs: null,
      secondTouchNs: null,
      readBytesPerSecond: null,
      ordinaryReadBytesPerSecond: null,
    },
    hugePages: {
      pageBytes: 2_097_152,
      reason: '/sys/x is "advise"',
      size: 4_194_304,
      commitNs: 400_000,
      viewNs: 10_000,
      ordinaryCommitNs: 3_200_000,
      ordinaryViewNs: 250_000,
    },
    refusal: 'Cannot map 524289 runs',
    stamps: null,
    verified: null,
  });
  assert.deepEqual(toMainJobJson(REPORT).vmap, {
    byRunNs: 20_000,
    byRunTouchedNs: 100_000,
    byRunCalls: 4,
    byPageNs: 1_500_000,
    byPageTouchedNs: 1_600_000,
    byPageCalls: 529,
    byPageParts: 1,
    firstTouchNs: 3_000_000,
    secondTouchNs: 60_000,
    readBytesPerSecond: 5 * 2 ** 30,
    ordinaryReadBytesPerSecond: 10 * 2 ** 30,
  });
  assert.deepEqual(toMainJobJson(REPORT).stamps, { written: 14, found: 14 });
  assert.equal(toMainJobJson(REPORT).verified, true);
});

test('toMainJobJson has the same keys for every heap', () => {
  const [embedded, kernel, udmabuf] = [REPORT, KERNEL, UDMABUF].map(toMainJobJson);
  const keysOf = (value: object | undefined): string[] => Object.keys(value ?? {});
  for (const other of [kernel, udmabuf]) {
    assert.deepEqual(keysOf(other), keysOf(embedded));
    assert.deepEqual(keysOf(other?.conversion), keysOf(embedded?.conversion));
    assert.deepEqual(keysOf(other?.vmap), keysOf(embedded?.vmap));
  }
  assert.deepEqual(
    [kernel?.mix, kernel?.layoutSource, kernel?.heldBytes, kernel?.instructionNs, kernel?.stamps],
    [null, 'the trace of its allocation (kmem:mm_page_alloc)', 3 * 2 ** 30, 2, { written: 21, found: 21 }],
  );
  assert.deepEqual(
    [udmabuf?.pages, udmabuf?.entries, udmabuf?.runs, udmabuf?.orders, udmabuf?.layoutSource, udmabuf?.layoutRefusal],
    [
      529,
      null,
      null,
      null,
      null,
      { reason: 'where the pages of its memfd lie is told only to root', remedy: 'run this as root' },
    ],
  );
});

test('formatReport has both kinds of pages where huge pages are on', () => {
  assert.deepEqual(linesFrom(REPORT, 'Huge pages'), [
    'Huge pages',
    '  4 MiB in runs of 2 MiB               ordinary  huge pages   gain',
    '  taken from the machine, mapped        3.20 ms      400 µs   8.0x',
    '  mapped again, every page faulted in    250 µs     10.0 µs  25.0x',
    '  why: /sys/x is "advise"',
  ]);
});

test('formatReport says why huge pages are off, and toMainJobJson has null for their times', () => {
  const use = { pageBytes: undefined, reason: '/sys/x is "never"' };
  const report = { ...REPORT, hugePages: { use, compared: undefined } };
  assert.deepEqual(linesFrom(report, 'Huge pages'), [
    'Huge pages',
    '  not here: /sys/x is "never"',
    '  "dmabuf doctor" says what would allow them, and what they would save',
  ]);
  assert.deepEqual(toMainJobJson(report).hugePages, {
    pageBytes: null,
    reason: '/sys/x is "never"',
    size: null,
    commitNs: null,
    viewNs: null,
    ordinaryCommitNs: null,
    ordinaryViewNs: null,
  });
});
