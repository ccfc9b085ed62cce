import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countMmapCalls } from './counted-calls.ts';
import { kernelCalls } from '../linux/calls/kernel-calls.ts';
import { MiB } from '../base/sizes.ts';
import { measureMapping, touchEveryPage } from './vmap-measurement.ts';
import type { MappedView } from './vmap-measurement.ts';

const PAGE_SIZE = 4096;

/** A view that records the bytes that are read. */
function watchedView(length: number, closed: () => void = () => {}): { view: MappedView; read: number[] } {
  const read: number[] = [];
  const subarray = (offset: number, count: number): Uint8Array =>
    new Proxy(new Uint8Array(0), {
      get: (_, key) => {
        if (key === 'length') return count;
        read.push(offset + Number(key));
        return 1;
      },
    });
  return { view: { length, subarray, close: closed }, read };
}

test('touchEveryPage reads one byte of each page, across pieces, and reports each piece', () => {
  const { view, read } = watchedView(64 * MiB + 2 * PAGE_SIZE);
  const pieces: number[] = [];
  touchEveryPage(view, PAGE_SIZE, (done, total) => pieces.push(done, total));
  const expected = Array.from({ length: 16_386 }, (_, page) => page * PAGE_SIZE);
  assert.deepEqual(read, expected);
  assert.deepEqual(pieces, [64 * MiB, 64 * MiB + 2 * PAGE_SIZE, 64 * MiB + 2 * PAGE_SIZE, 64 * MiB + 2 * PAGE_SIZE]);
});

test('measureMapping closes each view before it maps the next, and counts the calls of one round', () => {
  const counted = countMmapCalls({ ...kernelCalls, mmap: () => 4096 });
  let open = 0;
  let roundCount = 0;
  const timing = measureMapping(
    () => {
      assert.equal(open, 0);
      open += 1;
      for (let call = 0; call < 3; call += 1) counted.raw.mmap(0, 4096, 0, 0, 0, 0);
      return watchedView(PAGE_SIZE, () => {
        // Mappings made by the close do not count.
        counted.raw.mmap(0, 4096, 0, 0, 0, 0);
        open -= 1;
      }).view;
    },
    { counted, pageSize: PAGE_SIZE, onRound: () => (roundCount += 1) },
  );
  assert.equal(open, 0);
  assert.equal(timing.callCount, 3);
  assert.equal(timing.roundCount, roundCount);
  assert.ok(timing.mappedAndTouchedNs >= timing.mappedNs && timing.mappedNs > 0);
});

test('measureMapping closes the view when touching it fails', () => {
  const counted = countMmapCalls();
  let closed = false;
  const view: MappedView = {
    length: PAGE_SIZE,
    subarray: () => {
      throw new Error('gone');
    },
    close: () => {
      closed = true;
    },
  };
  assert.throws(() => measureMapping(() => view, { counted, pageSize: PAGE_SIZE, onRound: () => {} }), /gone/u);
  assert.equal(closed, true);
});

test('countMmapCalls counts mmap alone, failed calls too, and lets every value through', () => {
  const seen: number[][] = [];
  const counted = countMmapCalls({
    ...kernelCalls,
    mmap: (...values) => {
      seen.push(values);
      return -1;
    },
  });
  assert.equal(counted.raw.mmap(1, 2, 3, 4, 5, 6), -1);
  counted.raw.getpagesize();
  assert.deepEqual(seen, [[1, 2, 3, 4, 5, 6]]);
  assert.equal(counted.mmapCount(), 1);
  const runs = new Float64Array(3).fill(4096);
  assert.ok(counted.raw.mapRuns(-1, 0, runs, runs, 3, 0, 0) < 0);
  assert.equal(counted.mmapCount(), 4);
});
