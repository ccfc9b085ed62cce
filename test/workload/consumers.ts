/** What every consumer must do with a buffer, on any heap. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DmaBufError, isDmaBufError } from '../../src/base/errors.ts';
import { KiB } from '../../src/base/sizes.ts';
import type { Heap } from '../../src/index.ts';
import type { MappingEvent, UnmappingEvent } from '../../src/trace/mapping-event.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import type { KernelFunction } from '../../src/workload/kernel/kernel-functions.ts';
import { compareWorkload } from '../../src/workload/compare-workload.ts';
import type { Workload } from '../../src/workload/workload.ts';
import { mappingWaysOf, mapWindow } from '../../src/workload/kernel/map-window.ts';
import type { MappingWay } from '../../src/workload/kernel/map-window.ts';
import { CONSUMER_CASES } from './consumer-cases.ts';
import type { ConsumerCase } from './consumer-case.ts';

/** A heap to run the consumers on. */
export interface ConsumerHeap {
  readonly name: string;
  /** Why it is not to be had here. */
  readonly missing: string | false;
  readonly open: () => Heap;
  /** Default: as the heap does. */
  readonly mapping?: MappingWay;
}

/** More than any life calls. */
const CALLS_MAX = 100;
const FENCES: Workload = {
  name: 'fences',
  title: 'One task',
  basis: 'a test',
  loads: [{ consumer: 'nvidia-pva', lengthBytes: 4 * KiB, bufferCount: 1, fenceCount: 1, stepsPerSecond: 10 }],
};
/** `dma_buf_vmap`, and the one that takes the lock first. */
const WRAPPERS = new Set(['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'dma_buf_vunmap', 'dma_buf_vunmap_unlocked']);

export function testConsumers({ name, missing, open, mapping = 'heap' }: ConsumerHeap): void {
  for (const each of CONSUMER_CASES) {
    test(`${name}: ${each.name}`, { skip: missing }, async () => {
      using heap = open();
      const before = heap.stats();
      const records: (MappingEvent | UnmappingEvent)[] = [];
      const kernel = new KernelFunctions({ mapping, onRecord: (record) => void records.push(record) });
      await live(each, heap, kernel);
      assert.deepEqual(records.map(callOf), each.calls);
      assert.equal(kernel.unlockedCallCount, 0);
      assertNothingLeft(heap, before);
    });

    test(`${name}: ${each.name}: the n-th function of the kernel fails, for every n`, { skip: missing }, async () => {
      using heap = open();
      const before = heap.stats();
      for (let failing = 1; failing <= CALLS_MAX; failing += 1) {
        const failed = await liveWithFailure(each, heap, failing);
        assertNothingLeft(heap, before);
        if (failed === undefined) return;
      }
      assert.fail('It never came to its end');
    });
  }
}

/** A heap whose driver makes page-table entries is told so, and what would leave the choice. */
export function testNoMappingChoice({ name, missing, open }: ConsumerHeap): void {
  test(`${name}: how page-table entries are made is not chosen here`, { skip: missing }, () => {
    using heap = open();
    assert.deepEqual(mappingWaysOf(heap), {
      ways: ['heap'],
      reason: `the driver of heap "${heap.name}" makes page-table entries`,
      remedy: 'use the embedded heap',
    });
  });

  test(`${name}: a comparison leaves that choice out`, { skip: missing }, async () => {
    using heap = open();
    const { signal } = new AbortController();
    const variants = await compareWorkload(FENCES, { heap, seed: 0, seconds: 0.1, signal, onRun: () => {} });
    assert.deepEqual(
      variants.map(({ caller, conversion, mapping }) => `${caller} ${conversion} ${mapping}`),
      ['as-is page heap', 'as-is entry heap', 'fixed page heap', 'fixed entry heap'],
    );
  });
}

/** Asked for all the same, a way of mapping is refused where the driver makes the entries. */
export function testRefusedMapping({ name, missing, open }: ConsumerHeap): void {
  test(`${name}: entries by page are refused, and nothing stays mapped`, { skip: missing }, () => {
    using heap = open();
    const buffer = heap.allocate(64 * KiB);
    assert.throws(() => mapWindow(buffer, 'page'), { name: 'DmaBufError', syscall: 'madvise' });
    buffer.close();
    assert.equal(heap.stats().mappingCount, 0);
  });
}

/** @returns the function that failed; undefined where there are fewer */
async function liveWithFailure(each: ConsumerCase, heap: Heap, failing: number): Promise<KernelFunction | undefined> {
  let count = 0;
  let failed: KernelFunction | undefined;
  const kernel = new KernelFunctions({
    beforeCall: (name) => {
      count += 1;
      if (count !== failing) return;
      failed = name;
      throw new DmaBufError('out of memory, as this test wants', { code: 'ENOMEM', syscall: name });
    },
  });
  await live(each, heap, kernel).catch((error: unknown) => {
    if (failed === undefined || !isDmaBufError(error)) throw error;
  });
  return failed;
}

async function live(each: ConsumerCase, heap: Heap, kernel: KernelFunctions): Promise<void> {
  const buffers = each.lengths.map((length) => heap.allocate(length));
  try {
    await each.live({ kernel, heap, buffers });
  } finally {
    for (const buffer of buffers) buffer.close();
  }
}

/** A mapping or an attachment would keep its buffer. */
export function assertNothingLeft(heap: Heap, before: ReturnType<Heap['stats']>): void {
  const { bufferCount, leakedCount } = heap.stats();
  assert.deepEqual({ bufferCount, leakedCount }, { bufferCount: before.bufferCount, leakedCount: 0 });
}

function callOf({ kind, path }: MappingEvent | UnmappingEvent): string {
  return `${kind === 'mapping' ? '+' : '-'}${path.find((name) => !WRAPPERS.has(name))}`;
}
