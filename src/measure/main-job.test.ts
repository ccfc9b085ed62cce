import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { GiB, MiB, TiB } from '../base/sizes.ts';
import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { readMaxMapCount } from '../linux/proc/process-mappings.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { defaultMainJobLength, runMainJob } from './main-job.ts';
import type { MainJobReport } from './main-job.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

const PAGE_SIZE = 4096;
const MAX_MAP_COUNT = readMaxMapCount();
/** With more single pages than this, making a table that cannot be mapped takes too long. */
const MAX_MAP_COUNT_TESTED = 2 ** 21;

checkLeaksAfterFile();

function tableOf({ layout }: MainJobReport): SgTable {
  assert.ok(layout.known);
  return layout.table;
}

test('runMainJob maps, measures and proves a buffer of the wanted mix', () => {
  const report = runMainJob({ length: 16 * MiB, source: { backend: 'embedded', mix: 'aged' } });
  assert.equal(report.length, 16 * MiB);
  const table = tableOf(report);
  assert.equal(table.pageCount, 4096);
  // Of 4,096 pages, 60 % in order 8, the remainder of that and 30 % in order 4, the rest single.
  assert.deepEqual([...table.orders()], [[8, 9], [4, 86], [0, 416]]); // prettier-ignore
  assert.equal(table.entryCount, 511);
  assert.equal(table.runs().count, 511);
  assert.equal(report.heap.backend, 'embedded');
  assert.deepEqual(report.heap.orders, [8, 4, 0]);
  assert.ok(report.vmap.mapped);
  assert.equal(report.vmap.byRun.callCount, 511);
  assert.ok(report.vmap.byPage.measured);
  assert.deepEqual([report.vmap.byPage.callCount, report.vmap.byPage.partCount], [4096, 1]);
  assert.ok(report.vmap.secondTouchNs > 0 && report.vmap.readSpeed.bytesPerSecond > 0);
  // The first and last page of each entry, or its single page.
  const stamps = 2 * 95 + 416;
  assert.deepEqual(report.vmap.proof, {
    secondWay: 'arena',
    throughWindow: { written: stamps, found: stamps },
    throughSecondWay: { written: stamps, found: stamps },
  });
  assert.equal(report.vmap.tableProof, undefined);
  assert.ok(report.conversion.measured && report.conversion.walksAgree);
  assert.equal(report.verified, true);
});

test('runMainJob takes mix huge from a table that begins with order 9', () => {
  const report = runMainJob({ length: 8 * MiB, source: { backend: 'embedded', mix: 'huge' } });
  assert.deepEqual(report.heap.orders, [9, 4, 0]);
  assert.deepEqual([...tableOf(report).orders()], [[9, 4]]);
});

test('runMainJob rounds up to whole pages, from one byte on', () => {
  const report = runMainJob({ length: 1, source: { backend: 'embedded', mix: 'fresh' } });
  assert.equal(report.length, PAGE_SIZE);
  assert.equal(report.verified, true);
});

test('runMainJob scatters by its seed', () => {
  const pfns = (seed: number): number[] => [
    ...tableOf(runMainJob({ length: 2 * MiB, source: { backend: 'embedded', mix: 'fragmented', seed } })).columns.pfns,
  ];
  const first = pfns(1);
  assert.deepEqual(pfns(1), first);
  assert.notDeepEqual(pfns(2), first);
});

test('runMainJob reports its steps in order, and progress that ends at its total', () => {
  const steps: string[] = [];
  const last = new Map<string, [number, number]>();
  runMainJob({
    length: 2 * MiB,
    source: { backend: 'embedded', mix: 'fresh' },
    onProgress: (step, done, total) => {
      if (steps.at(-1) !== step) steps.push(step);
      last.set(step, [done, total]);
    },
  });
  assert.deepEqual(steps, [
    'open the heap',
    'convert to pages',
    'convert to pages in C',
    'commit the memory',
    'map run by run',
    'prove the window',
    'map page by page',
    'compare huge pages',
  ]);
  assert.deepEqual(last.get('commit the memory'), [2 * MiB, 2 * MiB]);
});

test(
  'runMainJob reports a refused window as a result, with a length that can be mapped',
  { skip: MAX_MAP_COUNT > MAX_MAP_COUNT_TESTED && `vm.max_map_count is ${MAX_MAP_COUNT}: too many to reach in a test` },
  () => {
    const length = MAX_MAP_COUNT * PAGE_SIZE;
    const report = runMainJob({ length, source: { backend: 'embedded', mix: 'single-pages' } });
    assert.equal(report.verified, undefined);
    assert.ok(!report.vmap.mapped);
    assert.equal(report.vmap.callCount, 0);
    assert.match(report.vmap.refusal, /vm\.max_map_count/u);
    assert.ok(report.conversion.measured && report.conversion.times.byEntryNs > 0);
    const { lengthThatMaps } = report.vmap;
    assert.ok(lengthThatMaps !== undefined && lengthThatMaps < length && lengthThatMaps > 0.8 * length);
    const heap = openEmbeddedHeap({
      capacity: lengthThatMaps,
      fragmentation: { mix: 'single-pages', length: lengthThatMaps },
    });
    const buffer = heap.allocate(lengthThatMaps);
    buffer.vmap().close();
    buffer.close();
    heap.close();
  },
);

test('runMainJob refuses more than the machine has, before it makes an arena for it', () => {
  assert.throws(
    () => runMainJob({ length: 1024 * TiB, source: { backend: 'embedded', mix: 'fresh' } }),
    (error) => isDmaBufError(error, 'ENOMEM') && error.message.startsWith('Cannot allocate 1024 TiB as MemAvailable'),
  );
});

test('runMainJob refuses a heap that this machine does not have, with the reason and the remedy', () => {
  assert.throws(
    () => runMainJob({ length: MiB, source: { backend: 'kernel', name: 'none-of-this-name', fragmented: false } }),
    (error) =>
      isDmaBufError(error, 'ENODEV') &&
      error.message.startsWith('Cannot open heap "none-of-this-name" of backend kernel as there is no /dev/dma_heap'),
  );
  assert.throws(
    () => runMainJob({ length: MiB, source: { backend: 'kernel', name: '../null', fragmented: false } }),
    RangeError,
  );
});

test('defaultMainJobLength is 2 GiB, or half of the available memory in whole MiB', (t) => {
  const withAvailable = (kib: number): number =>
    defaultMainJobLength(
      'embedded',
      otherMachine({ root: temporaryTree(t, { 'proc/meminfo': `MemAvailable: ${kib} kB\n` }) }),
    );
  assert.equal(withAvailable(64 * 1024 * 1024), 2 * GiB);
  assert.equal(withAvailable(4 * 1024 * 1024), 2 * GiB);
  assert.equal(withAvailable(1_000_001), 488 * MiB);
  assert.equal(withAvailable(100), 1 * MiB);
});

test('defaultMainJobLength is no more than a udmabuf holds', (t) => {
  const files = { 'proc/meminfo': 'MemAvailable: 4194304 kB\n' };
  const limit = { 'sys/module/udmabuf/parameters/size_limit_mb': '96\n' };
  const lengthWith = (tree: Record<string, string>): number =>
    defaultMainJobLength('udmabuf', otherMachine({ root: temporaryTree(t, tree) }));
  assert.equal(lengthWith(files), 64 * MiB);
  assert.equal(lengthWith({ ...files, ...limit }), 96 * MiB);
});
