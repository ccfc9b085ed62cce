/** What every consumer must do with a buffer, on any heap. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DmaBufError, isDmaBufError } from '../../src/base/errors.ts';
import type { Heap } from '../../src/index.ts';
import type { MappingEvent, UnmappingEvent } from '../../src/trace/mapping-event.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import type { KernelFunction } from '../../src/workload/kernel/kernel-functions.ts';
import type { MappingWay } from '../../src/workload/kernel/map-window.ts';
import { CONSUMER_CASES } from './consumer-cases.ts';
import type { ConsumerCase } from './consumer-cases.ts';

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
