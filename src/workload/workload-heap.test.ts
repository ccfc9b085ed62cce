import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KiB, MiB } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { openWorkloadHeap } from './workload-heap.ts';

checkLeaksAfterFile();

/** Entries of each buffer by order, largest first. */
function ordersOf(buffer: DmaBuf): [order: number, count: number][] {
  const layout = buffer.layout();
  assert.ok(layout.known);
  return [...layout.table.orders()];
}

/** Of 10 MiB, which are 2,560 pages. */
const EXPECTED: Readonly<Record<OrderMixName, readonly [order: number, count: number][]>> = {
  huge: [[9, 5]],
  fresh: [[8, 10]],
  // 60 % are 6 chunks of order 8; 30 % are 48 of order 4; 10 % are 256 single pages.
  aged: [
    [8, 6],
    [4, 48],
    [0, 256],
  ],
  // 60 % are 96 chunks of order 4; 40 % are 1,024 single pages.
  fragmented: [
    [4, 96],
    [0, 1024],
  ],
  'single-pages': [[0, 2560]],
};

for (const mix of Object.keys(EXPECTED) as OrderMixName[]) {
  test(`every buffer of a heap in mix ${mix} is made of it, also after others came and went`, () => {
    using heap = openWorkloadHeap(mix, 7);
    const held: DmaBuf[] = [];
    for (let round = 0; round < 12; round += 1) {
      const buffer = heap.allocate(10 * MiB);
      assert.deepEqual(ordersOf(buffer), EXPECTED[mix]);
      if (mix !== 'huge' && mix !== 'fresh') {
        const layout = buffer.layout();
        assert.ok(layout.known && layout.table.runs().count === layout.table.entryCount, 'chunks lie apart');
      }
      held.push(buffer);
      if (round % 3 === 2) held.shift()?.close();
    }
    for (const buffer of held) buffer.close();
    assert.equal(heap.stats().bufferCount, 0);
  });
}

test('without a mix, a heap gives the largest chunks that it has', () => {
  using heap = openWorkloadHeap(undefined, 0);
  const buffer = heap.allocate(10 * MiB + 64 * KiB);
  assert.deepEqual(ordersOf(buffer), [
    [8, 10],
    [4, 1],
  ]);
  buffer.close();
});

test('the same seed scatters the same way', () => {
  const pfnsOf = (seed: number): number[] => {
    using heap = openWorkloadHeap('single-pages', seed);
    const buffer = heap.allocate(64 * KiB);
    const layout = buffer.layout();
    assert.ok(layout.known);
    const pfns = [...layout.table.runs().pfns];
    buffer.close();
    return pfns;
  };
  assert.deepEqual(pfnsOf(3), pfnsOf(3));
  assert.notDeepEqual(pfnsOf(3), pfnsOf(4));
});
