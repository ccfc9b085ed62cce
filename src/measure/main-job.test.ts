import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { GiB, MiB, TiB } from '../base/sizes.ts';
import { openEmbeddedHeap, openEmbeddedHeapWithin } from '../backend/embedded/index.ts';
import { readMaxMapCount } from '../linux/process-mappings.ts';
import { FailingCalls } from '../../test/support/failing-calls.ts';
import { checkLeaksAfterFile } from '../../test/support/leak-check.ts';
import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { defaultMainJobLength, runMainJob, withBuffer } from './main-job.ts';

const PAGE_SIZE = 4096;
const MAX_MAP_COUNT = readMaxMapCount();
/** Beyond this many single pages, a table that cannot be mapped takes too long to make. */
const MAX_MAP_COUNT_TESTED = 2 ** 21;

checkLeaksAfterFile();

test('runMainJob maps, measures and proves a buffer of the wanted mix', () => {
  const report = runMainJob({ length: 16 * MiB, mix: 'C' });
  assert.equal(report.length, 16 * MiB);
  assert.equal(report.table.pageCount, 4096);
  // Of 4,096 pages 60 % in order 8, what is left of that and 30 % in order 4, the rest single.
  assert.deepEqual([...report.table.orders()], [[8, 9], [4, 86], [0, 416]]); // prettier-ignore
  assert.equal(report.table.entryCount, 511);
  assert.equal(report.table.runs().count, 511);
  assert.equal(report.heap.backend, 'embedded');
  assert.deepEqual(report.heap.orders, [8, 4, 0]);
  assert.ok(report.vmap.mapped);
  assert.equal(report.vmap.byRun.callCount, 511);
  assert.equal(report.vmap.byPage?.callCount, 4096);
  // Each run's first and last page, of a single page the one.
  const stamps = 2 * 95 + 416;
  assert.deepEqual(report.vmap.proof, {
    throughWindow: { written: stamps, found: stamps },
    throughPages: { written: stamps, found: stamps },
  });
  assert.equal(report.conversion.walksAgree, true);
  assert.equal(report.verified, true);
});

test('runMainJob takes mix A from a table that begins with order 9', () => {
  const report = runMainJob({ length: 8 * MiB, mix: 'A' });
  assert.deepEqual(report.heap.orders, [9, 4, 0]);
  assert.deepEqual([...report.table.orders()], [[9, 4]]);
});

test('runMainJob rounds up to whole pages, from one byte on', () => {
  const report = runMainJob({ length: 1, mix: 'B' });
  assert.equal(report.length, PAGE_SIZE);
  assert.equal(report.verified, true);
});

test('runMainJob scatters by its seed, the same seed alike', () => {
  const pfns = (seed: number): number[] => [...runMainJob({ length: 2 * MiB, mix: 'D', seed }).table.columns.pfns];
  const first = pfns(1);
  assert.deepEqual(pfns(1), first);
  assert.notDeepEqual(pfns(2), first);
});

test('runMainJob reports its steps in order, and progress that ends at its total', () => {
  const steps: string[] = [];
  const last = new Map<string, [number, number]>();
  runMainJob({
    length: 2 * MiB,
    mix: 'B',
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
  ]);
  assert.deepEqual(last.get('commit the memory'), [2 * MiB, 2 * MiB]);
});

test(
  'runMainJob reports a refused window as a result, with a length that can be mapped',
  { skip: MAX_MAP_COUNT > MAX_MAP_COUNT_TESTED && `vm.max_map_count is ${MAX_MAP_COUNT}: too many to reach in a test` },
  () => {
    const length = MAX_MAP_COUNT * PAGE_SIZE;
    const report = runMainJob({ length, mix: 'E' });
    assert.equal(report.verified, undefined);
    assert.ok(!report.vmap.mapped);
    assert.equal(report.vmap.callCount, 0);
    assert.match(report.vmap.refusal, /vm\.max_map_count/u);
    assert.ok(report.conversion.times.byEntryNs > 0);
    const { lengthThatMaps } = report.vmap;
    assert.ok(lengthThatMaps !== undefined && lengthThatMaps < length && lengthThatMaps > 0.8 * length);
    const heap = openEmbeddedHeap({ capacity: lengthThatMaps, fragmentation: { mix: 'E', length: lengthThatMaps } });
    const buffer = heap.allocate(lengthThatMaps);
    buffer.vmap().close();
    buffer.close();
    heap.close();
  },
);

test('runMainJob refuses more than the machine has, before it makes an arena for it', () => {
  assert.throws(
    () => runMainJob({ length: 1024 * TiB, mix: 'B' }),
    (error) => isDmaBufError(error, 'ENOMEM') && error.message.startsWith('Cannot allocate 1024 TiB as MemAvailable'),
  );
});

test("withBuffer throws the body's error, also when closing fails after it", () => {
  const calls = new FailingCalls();
  const heap = openEmbeddedHeapWithin({ raw: calls.raw }, { capacity: MiB }, 'a test');
  const body = (): never => {
    calls.failAt(1);
    throw new Error('the body failed');
  };
  assert.throws(
    () => withBuffer(heap, MiB, body),
    (error) => {
      assert.ok(error instanceof AggregateError);
      assert.deepEqual(
        error.errors.map((one: unknown) => (isDmaBufError(one) ? one.syscall : (one as Error).message)),
        ['the body failed', 'munmap'],
      );
      return true;
    },
  );
  calls.failAt();
  heap.close();
});

test('defaultMainJobLength is 2 GiB, or half of the available memory in whole MiB', (t) => {
  const withAvailable = (kib: number): number =>
    defaultMainJobLength(temporaryTree(t, { 'proc/meminfo': `MemAvailable: ${kib} kB\n` }));
  assert.equal(withAvailable(64 * 1024 * 1024), 2 * GiB);
  assert.equal(withAvailable(4 * 1024 * 1024), 2 * GiB);
  assert.equal(withAvailable(1_000_001), 488 * MiB);
  assert.equal(withAvailable(100), 1 * MiB);
});
