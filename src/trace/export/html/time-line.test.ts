import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SeededRandom } from '../../../base/seeded-random.ts';
import type { MappingEvent } from '../../mapping-event.ts';
import { BINS_MAX, TimeLine } from './time-line.ts';

function mapping(event: Partial<MappingEvent>): MappingEvent {
  return { kind: 'mapping', form: 'event', line: 1, path: ['dma_buf_vmap', 'npu_map'], ...event };
}

function timeLineOf(events: readonly MappingEvent[]): TimeLine {
  const timeLine = new TimeLine();
  for (const event of events) timeLine.add(event);
  return timeLine;
}

test('TimeLine lays the parts of a mapping one behind the other', () => {
  const parts = [
    { name: 'system_heap_vmap', depth: 1, ns: 4e9 },
    { name: 'vmalloc_noprof', depth: 2, ns: 1e9 },
    { name: 'vmap', depth: 2, ns: 2e9 },
  ];
  const timeLine = timeLineOf([
    mapping({ time: 100, durationNs: 4e9, parts }),
    mapping({ time: 227, durationNs: 1e9, path: ['dma_buf_vmap', 'vb2_dc_vaddr'] }),
  ]);
  // 128 seconds: 256 bins of half a second.
  assert.deepEqual([timeLine.startSeconds, timeLine.binSeconds, timeLine.binCount], [100, 0.5, 257]);
  const [npu, camera] = timeLine.rows();
  assert.deepEqual([npu?.consumer, camera?.consumer], ['npu_map', 'videobuf2 dma-contig']);
  const used = (first: number, count: number): (readonly number[])[] =>
    Array.from({ length: count }, (_, index) => npu?.slice(first + index).nsByUse ?? []);
  // Locks, page array, sg table to pages, vmap, frees, the rest, not divided.
  const [page, convert, vmap] = [
    [0, 5e8, 0, 0, 0, 0, 0],
    [0, 0, 5e8, 0, 0, 0, 0],
    [0, 0, 0, 5e8, 0, 0, 0],
  ];
  assert.deepEqual(used(0, 8), [page, page, convert, convert, vmap, vmap, vmap, vmap]);
  assert.deepEqual(camera?.slice(254), { calls: 1, totalNs: 5e8, nsByUse: [0, 0, 0, 0, 0, 0, 5e8] });
});

test('TimeLine lays the wait for the lock before the mapping', () => {
  const parts = [
    { name: 'ww_mutex_lock', depth: 0, ns: 1e9 },
    { name: 'vmap', depth: 1, ns: 1e9 },
  ];
  const timeLine = timeLineOf([
    mapping({ time: 100, durationNs: 1e9, parts }),
    mapping({ time: 227, durationNs: 0, path: ['dma_buf_vmap', 'vb2_dc_vaddr'] }),
  ]);
  assert.deepEqual([timeLine.startSeconds, timeLine.binSeconds], [99, 0.5]);
  const [npu] = timeLine.rows();
  const [lock, vmap] = [
    [5e8, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 5e8, 0, 0, 0],
  ];
  assert.deepEqual(
    [-2, -1, 0, 1].map((bin) => npu?.slice(bin).nsByUse),
    [lock, lock, vmap, vmap],
  );
});

/** Each bin from all mappings at once, by how much they overlap it. */
function naiveBins(events: readonly MappingEvent[], { startSeconds, binSeconds, binCount }: TimeLine): number[] {
  return Array.from({ length: binCount }, (_, index) => {
    const from = startSeconds + index * binSeconds;
    const overlaps = events.map(({ time = 0, durationNs }) =>
      Math.max(0, Math.min(from + binSeconds, time + (durationNs ?? 0) / 1e9) - Math.max(from, time)),
    );
    return overlaps.reduce((sum, overlap) => sum + overlap, 0) * 1e9;
  });
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`TimeLine has in each bin what a count of all mappings at once has, in any order of times (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    const spanMs = 10 ** (1 + random.below(5));
    const events = Array.from({ length: 400 }, () =>
      mapping({ time: 5000 + random.below(spanMs * 1000) / 1e6, durationNs: random.below(spanMs * 10_000) }),
    );
    const timeLine = timeLineOf(events);
    assert.ok(timeLine.binCount > BINS_MAX / 2 - 1 && timeLine.binCount <= BINS_MAX, `${timeLine.binCount} bins`);
    const [row] = timeLine.rows();
    for (const [index, ns] of naiveBins(events, timeLine).entries()) {
      const found = row?.slice(timeLine.firstBin + index).totalNs ?? Number.NaN;
      assert.ok(Math.abs(found - ns) < 10, `bin ${index}: ${found} ns, not ${ns}`);
    }
    assert.equal(row?.slice(timeLine.firstBin, timeLine.binCount).calls, 400);
  });
}

test('TimeLine counts what has no time, leaves samples out, and keeps 360 bins of any trace', () => {
  const timeLine = timeLineOf([
    mapping({}),
    mapping({ time: Number.POSITIVE_INFINITY, count: 3 }),
    mapping({ time: 1, marks: ['sample'] }),
  ]);
  assert.deepEqual([timeLine.untimedCount, timeLine.binCount, timeLine.rows().length], [4, 0, 0]);
  for (const time of [0, 1e-9, -1e300, 1e300, 1, 1e308]) timeLine.add(mapping({ time, durationNs: 1e300 }));
  assert.ok(timeLine.binCount <= BINS_MAX);
  assert.equal(timeLine.rows()[0]?.callCount, 6);
});
