import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describeFirstRuns, drawOrders, drawPlacements, drawStripes, explainStripes } from './picture.ts';

test('drawStripes shades each stripe by its share, row after row, with the first pfn of the row', () => {
  const stripes = { firstPfn: 1000, stripePageCount: 100, pageCounts: [0, 1, 25, 26, 50, 51, 99, 100, 3] };
  assert.deepEqual(drawStripes(stripes, { columnCount: 4, labelWidth: 5 }), [
    ' 1000 ·░░▒', // prettier-ignore
    ' 1400 ▒▓▓█',
    ' 1800 ░',
  ]);
});

test('explainStripes fits 78 columns and describes stripes of one page without a part', () => {
  const shaded = explainStripes(4096, 4096);
  assert.equal(shaded, "one block: 16 MiB; the buffer's: · none  ░ to 1/4  ▒ to 1/2  ▓ more  █ all");
  assert.ok(explainStripes(128, 4096).length <= 78);
  assert.equal(explainStripes(1, 4096), "one block: 4 KiB; · not the buffer's  █ the buffer's");
});

test('drawOrders draws entries as bars in eighths, with the share of the bytes', () => {
  const shares = [
    { order: 8, entryCount: 1, pageCount: 256 },
    { order: 4, entryCount: 16, pageCount: 256 },
    { order: 0, entryCount: 1000, pageCount: 1000 },
  ];
  assert.deepEqual(drawOrders(shares, { pageSize: 4096, width: 52 }), [
    'order 8 (1 MiB)       1  ▏         17 % of the bytes',
    'order 4 (64 KiB)     16  ▏         17 % of the bytes',
    'order 0 (4 KiB)   1,000  ███████▉  66 % of the bytes',
  ]);
});

test('drawPlacements draws pages in a row as a rising line', () => {
  const placements = Array.from({ length: 8 }, (_, page) => ({ bufferPage: page, pfn: 40 + page }));
  const axes = { columnCount: 4, labelWidth: 3, rowCount: 2, bufferPageCount: 8, firstPfn: 40, endPfn: 48 };
  assert.deepEqual(drawPlacements(placements, axes), [' 44   ⡠⠊', ' 40 ⡠⠊']);
});

test('drawPlacements puts the first page left, the last right, the lowest pfn at the bottom', () => {
  const axes = { columnCount: 2, labelWidth: 1, rowCount: 1, bufferPageCount: 4, firstPfn: 0, endPfn: 4 };
  assert.deepEqual(drawPlacements([{ bufferPage: 0, pfn: 3 }], axes), ['0 ⠁']);
  assert.deepEqual(drawPlacements([{ bufferPage: 3, pfn: 0 }], axes), ['0  ⢀']);
  assert.deepEqual(drawPlacements([{ bufferPage: 3, pfn: 3 }], axes), ['0  ⠈']);
});

test('describeFirstRuns gives ranges of pfns, a single page as one number', () => {
  const runs = [
    { bufferPage: 0, pfn: 512, pageCount: 256 },
    { bufferPage: 256, pfn: 7, pageCount: 1 },
  ];
  assert.equal(describeFirstRuns(runs, { runCount: 2, width: 80 }), '0 → 512-767, 256 → 7');
  assert.equal(describeFirstRuns(runs, { runCount: 9, width: 80 }), '0 → 512-767, 256 → 7, …');
});

test('describeFirstRuns fits the width, even with arrows and ellipses in ASCII', () => {
  const runs = Array.from({ length: 8 }, (_, index) => ({ bufferPage: index, pfn: 100 + 2 * index, pageCount: 1 }));
  const line = describeFirstRuns(runs, { runCount: 8, width: 33 });
  assert.equal(line, '0 → 100, 1 → 102, 2 → 104, …');
  assert.equal(
    describeFirstRuns(runs, { runCount: 8, width: 78 }),
    '0 → 100, 1 → 102, 2 → 104, 3 → 106, 4 → 108, 5 → 110, 6 → 112, 7 → 114',
  );
});
