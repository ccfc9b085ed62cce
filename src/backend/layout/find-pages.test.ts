import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { toByteLength, toPageCount } from '../../base/quantities.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { findPages, SLICE_PAGES, PfnSlots } from './find-pages.ts';
import type { PfnSource } from './find-pages.ts';
import { SliceWindow } from './slice-window.ts';

test('PfnSlots know the missing pages until all are known', () => {
  const pfns = new Float64Array(3).fill(7);
  const slots = new PfnSlots(pfns);
  assert.deepEqual([slots.count, slots.empty, slots.complete, slots.missing()], [3, true, false, [0, 1, 2]]);
  assert.equal(slots.record(1, 0), true);
  assert.equal(slots.record(1, 0), false);
  assert.deepEqual([slots.empty, slots.complete, slots.missing()], [false, false, [0, 2]]);
  slots.record(0, 5);
  slots.record(2, 2 ** 40 - 1);
  assert.deepEqual([slots.complete, slots.missing(), [...pfns]], [true, [], [5, 0, 2 ** 40 - 1]]);
});

test('PfnSlots ignore pages outside of the slice, and are never complete once contradicted', () => {
  const slots = new PfnSlots(new Float64Array(1));
  for (const page of [-1, 1, 0.5]) assert.equal(slots.record(page, 9), false);
  assert.equal(slots.empty, true);
  slots.record(0, 5);
  slots.record(0, 6);
  assert.deepEqual([slots.complete, slots.missing(), slots.empty], [false, [], false]);
  slots.record(0, 6);
  assert.equal(slots.complete, false);
});

const calls = new MemoryCalls();
const pageSize = calls.pageSize();

/** A window over a memfd of `pageCount` pages, which records the mapped slices. */
class RecordingWindow extends SliceWindow {
  readonly slices: [first: number, count: number][] = [];

  override map(first: number, count: number): void {
    this.slices.push([first, count]);
    super.map(first, count);
  }
}

function windowOver(t: TestContext, filePages: number, pageCountMax = SLICE_PAGES): RecordingWindow {
  const memfd = calls.createSealedMemfd('dmabuf-test', toByteLength(filePages * pageSize));
  const window = new RecordingWindow({ calls, stores: 'private', file: memfd.borrow(), pageSize, pageCountMax });
  t.after(() => [window, memfd].forEach((closable) => closable.close()));
  return window;
}

/**
 * Reports that page n of the file is page 1000 + n of memory, for as many pages of a slice as
 * requested.
 */
function sourceTelling(window: RecordingWindow, told: (count: number) => number): PfnSource {
  return {
    recordedBy: new Set(),
    record: (slots) => {
      const [first, count] = window.slices.at(-1) ?? [0, 0];
      for (let page = 0; page < told(count); page += 1) slots.record(page, 1000 + first + page);
    },
  };
}

test('findPages() walks the file slice by slice', (t) => {
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

test('findPages() retries a slice with unknown pages in halves', (t) => {
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

test('findPages() gives up at a slice without any report', (t) => {
  const window = windowOver(t, 8);
  assert.equal(findPages(window, [sourceTelling(window, () => 0)], toPageCount(8)), undefined);
  assert.deepEqual(window.slices, [[0, 8]]);
});

test('findPages() gives up when two reports contradict each other', (t) => {
  const window = windowOver(t, 1);
  const liar: PfnSource = { recordedBy: new Set(), record: (slots) => void slots.record(0, 3) };
  assert.equal(findPages(window, [sourceTelling(window, (count) => count), liar], toPageCount(1)), undefined);
});

test('SliceWindow.touch() survives missing pages', (t) => {
  const window = windowOver(t, 1, 4);
  // Beyond the end of the file, where a read is SIGBUS.
  window.map(0, 4);
  window.touch([0, 1, 2, 3]);
  window.touch([3]);
  window.touch([]);
});
