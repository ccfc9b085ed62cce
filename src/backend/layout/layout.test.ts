import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { cannotSeePfns } from '../../../test/support/devices/layout-rights.ts';
import { rawCallsFailing } from '../../../test/support/fakes/raw-calls.ts';
import { toByteLength } from '../../base/quantities.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { SgTable } from '../../sg/sg-table.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import { traceAllocation } from './allocation-trace.ts';
import { layoutOfDmaBuf } from './dma-buf-layout.ts';
import { layoutOfMemfd } from './memfd-layout.ts';
import { rememberLayout } from './remember-layout.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const calls = new MemoryCalls();
const pageSize = calls.pageSize();
const length = toByteLength(5 * pageSize);

function openMemfd(t: TestContext): OwnedFd {
  const memfd = calls.createSealedMemfd('dmabuf-test', length);
  t.after(() => memfd.close());
  return memfd;
}

/** A machine without sources: its pagemap is empty, and it has no tracefs. */
function bareRoot(t: TestContext): string {
  return temporaryTree(t, { 'proc/self/pagemap': '', 'proc/filesystems': 'nodev\ttmpfs\n' });
}

const NO_TRACEFS = {
  known: false,
  reason: 'this kernel has no tracefs',
  remedy: 'boot a kernel built with CONFIG_FTRACE=y and CONFIG_KPROBE_EVENTS=y',
};

test('layoutOfMemfd() gives five different pages', { skip: cannotSeePfns() }, (t) => {
  const layout = layoutOfMemfd(calls, openMemfd(t).borrow(), { length, pageSize });
  assert.ok(layout.known);
  assert.equal(layout.source, 'the pages of its mapping, in runs: /proc/self/pagemap');
  const pfns = [...layout.table.entries()].flatMap(({ pfn, length }) =>
    Array.from({ length: length / pageSize }, (_, page) => pfn + page),
  );
  assert.equal(new Set(pfns).size, 5);
});

test('layoutOfMemfd() is unknown where the pages are missing', (t) => {
  const layout = layoutOfMemfd(calls, openMemfd(t).borrow(), {
    length,
    pageSize,
    machine: otherMachine({ root: bareRoot(t) }),
  });
  assert.deepEqual(layout, { known: false, reason: 'its pages were moved, or swapped out, meanwhile' });
});

test('layoutOfDmaBuf() is unknown without tracefs, with the reason', (t) => {
  const layout = layoutOfDmaBuf(calls, openMemfd(t).borrow(), {
    length,
    pageSize,
    machine: otherMachine({ root: bareRoot(t) }),
  });
  assert.deepEqual(layout, NO_TRACEFS);
});

test('layoutOfDmaBuf() uses the pagemap for ordinary pages', { skip: cannotSeePfns() }, (t) => {
  const memfd = openMemfd(t);
  const byPagemap = layoutOfMemfd(calls, memfd.borrow(), { length, pageSize });
  const layout = layoutOfDmaBuf(calls, memfd.borrow(), { length, pageSize });
  assert.ok(byPagemap.known && layout.known);
  assert.deepEqual([...layout.table.runs()], [...byPagemap.table.runs()]);
});

test('layoutOfDmaBuf() is unknown when an exporter refuses to be mapped', (t) => {
  const refusing = new MemoryCalls(rawCallsFailing('mmap', { nth: 1, errno: 19 }));
  const layout = layoutOfDmaBuf(refusing, openMemfd(t).borrow(), {
    length,
    pageSize,
    machine: otherMachine({ root: bareRoot(t) }),
  });
  assert.deepEqual(layout, { known: false, reason: `mmap failed with ENODEV (offset 0, length ${length})` });
});

test('traceAllocation() allocates without tracefs, and passes on why it cannot', (t) => {
  const traced = { machine: otherMachine({ root: bareRoot(t) }), length, pageSize };
  assert.deepEqual(
    traceAllocation(traced, () => 'the buffer'),
    { value: 'the buffer', layout: NO_TRACEFS },
  );
  const failure = new RangeError('no room');
  const failing = (): never => {
    throw failure;
  };
  assert.throws(() => traceAllocation(traced, failing), failure);
});

test('rememberLayout() measures until a layout is known', () => {
  const table = SgTable.fromEntries([{ pfn: 1, offset: 0, length: 4096 }]);
  const known: BufferLayout = { known: true, table, source: 'a test' };
  const answers: BufferLayout[] = [{ known: false, reason: 'not yet' }, known, { known: false, reason: 'asked again' }];
  const layout = rememberLayout(() => answers.shift() as BufferLayout);
  assert.deepEqual([layout().known, layout(), layout()], [false, known, known]);
});
