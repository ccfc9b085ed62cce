import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { toByteLength, toPageCount } from '../../base/quantities.ts';
import { SystemCalls } from '../../linux/system-calls.ts';
import { findPages, SLICE_PAGES } from './find-pages.ts';
import type { PfnSource } from './find-pages.ts';
import { SliceWindow } from './slice-window.ts';

const calls = new SystemCalls();
const pageSize = calls.pageSize();

/** A window over a memfd of `pageCount` pages, that remembers which slices were mapped. */
class RecordingWindow extends SliceWindow {
  readonly slices: [first: number, count: number][] = [];

  override map(first: number, count: number): void {
    this.slices.push([first, count]);
    super.map(first, count);
  }
}

function windowOver(t: TestContext, filePages: number, pageCountMax = SLICE_PAGES): RecordingWindow {
  const memfd = calls.createSealedMemfd('dmabuf-test', toByteLength(filePages * pageSize));
  const window = new RecordingWindow({ calls, file: memfd.borrow(), pageSize, pageCountMax });
  t.after(() => [window, memfd].forEach((closable) => closable.close()));
  return window;
}

/** Tells that page n of the file is page 1000 + n of memory, of as many pages of a slice as it is asked to. */
function sourceTelling(window: RecordingWindow, told: (count: number) => number): PfnSource {
  return {
    tellers: new Set(),
    tell: (slots) => {
      const [first, count] = window.slices.at(-1) ?? [0, 0];
      for (let page = 0; page < told(count); page += 1) slots.tell(page, 1000 + first + page);
    },
  };
}

test('findPages() goes through the file slice by slice', (t) => {
  const pageCount = SLICE_PAGES * 2 + 3;
  const window = windowOver(t, pageCount);
  const pfns = findPages(window, [sourceTelling(window, (count) => count)], toPageCount(pageCount));
  assert.deepEqual(
    [...(pfns ?? [])],
    Array.from({ length: pageCount }, (_, page) => 1000 + page),
  );
  assert.deepEqual(window.slices, [
    [0, SLICE_PAGES],
    [SLICE_PAGES, SLICE_PAGES],
    [SLICE_PAGES * 2, 3],
  ]);
});

test('findPages() tries a slice of which some pages stay untold again in halves', (t) => {
  const window = windowOver(t, 7);
  const atMostThree = sourceTelling(window, (count) => Math.min(count, 3));
  const pfns = findPages(window, [atMostThree], toPageCount(7));
  assert.deepEqual([...(pfns ?? [])], [1000, 1001, 1002, 1003, 1004, 1005, 1006]);
  assert.deepEqual(window.slices, [
    [0, 7],
    [0, 4],
    [0, 2],
    [2, 2],
    [4, 3],
  ]);
});

test('findPages() gives up at a slice of which nothing is told', (t) => {
  const window = windowOver(t, 8);
  assert.equal(findPages(window, [sourceTelling(window, () => 0)], toPageCount(8)), undefined);
  assert.deepEqual(window.slices, [[0, 8]]);
});

test('findPages() gives up when two tell differently', (t) => {
  const window = windowOver(t, 1);
  const liar: PfnSource = { tellers: new Set(), tell: (slots) => void slots.tell(0, 3) };
  assert.equal(findPages(window, [sourceTelling(window, (count) => count), liar], toPageCount(1)), undefined);
});

test('SliceWindow.touch() survives pages that are not there', (t) => {
  const window = windowOver(t, 1, 4);
  // Beyond the end of the file, where reading is SIGBUS.
  window.map(0, 4);
  window.touch([0, 1, 2, 3]);
  window.touch([3]);
  window.touch([]);
});
