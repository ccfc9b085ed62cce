import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { MappingBudget } from '../mapping/mapping-budget.ts';
import { countMmapCalls } from './counted-calls.ts';
import type { CountedCalls } from './counted-calls.ts';
import { measurePageByPage } from './page-by-page-measurement.ts';
import type { FilePages } from './page-by-page-window.ts';

const PAGE_COUNT = 100;

/** Pages of a memfd. If not `joined`, they are mapped like those of a dma-buf. */
function filePages(t: TestContext, joined: boolean): FilePages {
  const calls = new MemoryCalls();
  const pageSize = calls.pageSize();
  const memfd = calls.createSealedMemfd('dmabuf-test', toByteLength(PAGE_COUNT * pageSize));
  t.after(() => memfd.close());
  const pages = Uint32Array.from({ length: PAGE_COUNT }, (_, page) => page);
  return { fd: memfd.borrow(), pages, pageSize, joined };
}

function optionsFor(counted: CountedCalls, mappingCountMax: number): Parameters<typeof measurePageByPage>[1] {
  const mapping = { calls: new MemoryCalls(counted.raw), budget: new MappingBudget() };
  return { mapping, counted, mappingCountMax, onRound: () => {} };
}

test('measurePageByPage() maps pages that are joined as a whole', (t) => {
  const counted = countMmapCalls();
  const report = measurePageByPage(filePages(t, true), optionsFor(counted, 10));
  assert.ok(report.measured);
  assert.deepEqual([report.partCount, report.callCount], [1, PAGE_COUNT]);
  assert.ok(report.mappedAndTouchedNs >= report.mappedNs && report.mappedNs > 0);
});

test('measurePageByPage() maps in parts where each page is a mapping of its own, half of the limit each', (t) => {
  const counted = countMmapCalls();
  const rounds: number[] = [];
  const options = { ...optionsFor(counted, 70), onRound: (done: number) => void rounds.push(done) };
  const report = measurePageByPage(filePages(t, false), options);
  assert.ok(report.measured);
  assert.deepEqual([report.partCount, report.callCount, report.roundCount], [3, PAGE_COUNT, 1]);
  assert.deepEqual(rounds, [1, 2, 3]);
  assert.equal(options.mapping.budget.reserved, 0);
});

test('measurePageByPage() skips a measurement of more than a minute, and estimates its time', (t) => {
  const { raw } = countMmapCalls();
  // A call that takes 10 ms, for a buffer of 100 times as many pages: the same page each time.
  const slow = countMmapCalls({
    ...raw,
    mmap: (...values) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      return raw.mmap(...values);
    },
  });
  const { pages, ...file } = filePages(t, true);
  const many = Uint32Array.from({ length: PAGE_COUNT * 100 }, (_, page) => pages[page % PAGE_COUNT] ?? 0);
  const report = measurePageByPage({ ...file, pages: many }, optionsFor(slow, 65_530));
  assert.ok(!report.measured);
  assert.ok(report.expectedNs > 60e9 && report.expectedNs < 1e12, String(report.expectedNs));
});
