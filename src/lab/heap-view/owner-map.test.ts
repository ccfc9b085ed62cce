import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { BLOCK_PAGES } from '../protocol/block-runs.ts';
import { OwnerMap } from './owner-map.ts';

/** Whose each page is, from the tables of the buffers, as a number for each of them. */
function naiveOwners(buffers: ReadonlySet<DmaBuf>, pageCount: number): (DmaBuf | undefined)[] {
  const owners = Array.from<DmaBuf | undefined>({ length: pageCount });
  for (const buffer of buffers) {
    const layout = buffer.layout();
    assert.ok(layout.known);
    for (const { pfn, length } of layout.table.entries())
      owners.fill(buffer, pfn, pfn + length / layout.table.pageSize);
  }
  return owners;
}

/** Each page's owner by the first page that has the same one: names do not matter. */
function firstPages(owners: Iterable<unknown>): number[] {
  const first = new Map<unknown, number>();
  return Array.from(owners, (owner, page) => {
    if (!first.has(owner)) first.set(owner, page);
    return first.get(owner) as number;
  });
}

test('a map of owners is that of the tables, however buffers come and go, and tells each change', () => {
  const heap = openEmbeddedHeap({ capacity: 32 * MiB });
  const random = new SeededRandom(3);
  const map = new OwnerMap(heap.arena.pageCount);
  const viewer = map.addViewer();
  const seen = new Uint16Array(map.owners.length);
  const buffers = new Set<DmaBuf>();
  for (let step = 0; step < 200; step += 1) {
    if (random.below(2) === 0) {
      for (const buffer of [...buffers].slice(0, random.below(4))) {
        buffers.delete(buffer);
        buffer.close();
      }
    } else if (heap.stats().usedBytes < 16 * MiB) buffers.add(heap.allocate((1 + random.below(500)) * 4 * KiB));
    map.update(heap.buffers);
    for (const block of viewer.take()) {
      const [first, end] = [block * BLOCK_PAGES, (block + 1) * BLOCK_PAGES];
      seen.set(map.owners.subarray(first, end), first);
    }
    const expected = naiveOwners(buffers, heap.arena.pageCount);
    assert.deepEqual(firstPages(map.owners), firstPages(expected), `step ${step}`);
    assert.deepEqual(seen, map.owners, `step ${step}`);
    assert.deepEqual(
      [...map.owners].map((owner) => owner === 0),
      expected.map((owner) => owner === undefined),
    );
  }
  for (const buffer of buffers) buffer.close();
  heap.close();
});

test('a buffer whose memory lies elsewhere is not in the map, and one without changes costs no block', () => {
  const heap = openEmbeddedHeap({ capacity: 8 * MiB });
  const shareable = heap.allocate(MiB, { shareable: true });
  const own = heap.allocate(MiB);
  const map = new OwnerMap(heap.arena.pageCount);
  const viewer = map.addViewer();
  map.update(heap.buffers);
  assert.equal(map.painted.size, 1);
  assert.equal(map.owners.filter((owner) => owner !== 0).length, 256);
  assert.equal(viewer.take().length, Math.ceil(heap.arena.pageCount / BLOCK_PAGES));
  map.update(heap.buffers);
  assert.deepEqual(viewer.take(), []);
  own.close();
  map.update(heap.buffers);
  assert.equal(viewer.take().length, 1);
  assert.equal(map.painted.size, 0);
  shareable.close();
  heap.close();
});
