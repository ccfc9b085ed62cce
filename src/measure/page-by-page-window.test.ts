import assert from 'node:assert/strict';
import { readSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { toByteLength } from '../base/quantities.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { MappingBudget } from '../mapping/mapping-budget.ts';
import { checkLeaksAfterFile, heldMemory } from '../../test/support/runner/leak-check.ts';
import { FailingCalls } from '../../test/support/fakes/failing-calls.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { PageByPageWindow } from './page-by-page-window.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

const pageSize = new MemoryCalls().pageSize();
/** Runs of 2, 1 and 3 pages. */
const PAGES = new Uint32Array([6, 7, 2, 10, 11, 12]);
const RUN_COUNT = 3;

checkLeaksAfterFile();

function openFile(t: TestContext): OwnedFd {
  const file = new MemoryCalls().createSealedMemfd('dmabuf-test', toByteLength(16 * pageSize));
  t.after(() => file.close());
  return file;
}

test('PageByPageWindow shows the pages of the file in the order of the buffer, one call each', (t) => {
  const file = openFile(t);
  const calls = new FailingCalls();
  const context = { calls: new MemoryCalls(calls.raw), budget: new MappingBudget() };
  const window = new PageByPageWindow(context, { fd: file.borrow(), pages: PAGES, pageSize, joined: true });
  calls.failAt();
  const view = window.map();
  assert.equal(calls.callCount, 6);
  assert.equal(view.length, 6 * pageSize);
  for (let page = 0; page < 6; page += 1) view.subarray(page * pageSize, 1).fill(page + 1);
  const bytes = new Uint8Array(16 * pageSize);
  readSync(file.borrow(), bytes, 0, bytes.length, 0);
  const firstBytes = Array.from({ length: 16 }, (_, pfn) => bytes[pfn * pageSize]);
  assert.deepEqual(firstBytes, [0, 0, 3, 0, 0, 0, 1, 2, 0, 0, 4, 5, 6, 0, 0, 0]);
  const first = view.subarray(0, 1);
  view.close();
  assert.equal(first[0], 0);
  assert.equal(context.budget.reserved, 0);
});

test('PageByPageWindow takes no more mappings than it reserves', (t) => {
  const file = openFile(t);
  const context = { calls: new MemoryCalls(), budget: new MappingBudget() };
  const window = new PageByPageWindow(context, { fd: file.borrow(), pages: PAGES, pageSize, joined: true });
  const before = heldMemory().mappingCount;
  const view = window.map();
  assert.equal(context.budget.reserved, RUN_COUNT + 1);
  // Mappings of the file, not of the process: V8 maps and unmaps memory of its own at any time.
  assert.equal(heldMemory().mappingCount - before, RUN_COUNT);
  view.close();
});

test('PageByPageWindow restores zeros and releases its mappings when any of its calls fails', (t) => {
  const file = openFile(t);
  const calls = new FailingCalls();
  const context = { calls: new MemoryCalls(calls.raw), budget: new MappingBudget() };
  const window = new PageByPageWindow(context, { fd: file.borrow(), pages: PAGES, pageSize, joined: true });
  for (let n = 1; n <= PAGES.length; n += 1) {
    calls.failAt(n);
    assert.throws(
      () => window.map(),
      (error) => isDmaBufError(error, 'ENOMEM'),
    );
    assert.equal(calls.failed, 'mmap');
    assert.equal(context.budget.reserved, 0);
  }
  calls.failAt();
  const view = window.map();
  view.subarray(0, 1).fill(9);
  view.close();
  assert.equal(view.subarray(0, 1)[0], 0);
});

test('PageByPageWindow is refused before its first call when mappings would run out', (t) => {
  const file = openFile(t);
  const root = temporaryTree(t, { 'proc/sys/vm/max_map_count': '4100\n', 'proc/self/maps': 'a\nb\n' });
  const calls = new FailingCalls();
  const context = { calls: new MemoryCalls(calls.raw), budget: new MappingBudget(otherMachine({ root })) };
  const window = new PageByPageWindow(context, { fd: file.borrow(), pages: PAGES, pageSize, joined: true });
  calls.failAt();
  assert.throws(
    () => window.map(),
    (error) => isDmaBufError(error, 'ENOMEM') && error.message.includes('vm.max_map_count'),
  );
  assert.equal(calls.callCount, 0);
  assert.equal(context.budget.reserved, 0);
});
