import assert from 'node:assert/strict';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

export function testAllocate(subject: HeapUnderTest): void {
  heapTest(subject, 'allocate() rounds the length up to whole pages', (heap) => {
    const { pageSize } = heap;
    for (const [asked, pages] of [
      [1, 1],
      [pageSize - 1, 1],
      [pageSize, 1],
      [pageSize + 1, 2],
      [MiB, MiB / pageSize],
    ] as const) {
      const buffer = heap.allocate(asked);
      assert.equal(buffer.length, pages * pageSize);
      buffer.close();
    }
  });

  heapTest(subject, 'allocate() hands out zeros, also where another owner wrote before', (heap) => {
    for (let round = 0; round < 4; round += 1) {
      const buffers = [4 * KiB, 64 * KiB, MiB, 3 * MiB].map((length) => heap.allocate(length));
      for (const buffer of buffers) {
        const view = buffer.vmap();
        assert.ok(
          view.bytes.every((byte) => byte === 0),
          `a byte of ${buffer.length} is left over in round ${round}`,
        );
        view.bytes.fill(0xa5);
        view.close();
      }
      for (const buffer of buffers) buffer.close();
    }
  });

  heapTest(subject, 'allocate() refuses lengths that are none', (heap) => {
    for (const length of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => heap.allocate(length), RangeError, String(length));
    }
    for (const length of ['4096', undefined, null, 4096n]) {
      assert.throws(() => heap.allocate(length as unknown as number), TypeError, String(length));
    }
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(subject, 'allocate() takes names of 31 bytes of UTF-8 and refuses longer ones', (heap) => {
    const longest = heap.allocate(1, { name: 'n'.repeat(31) });
    assert.equal(longest.name, 'n'.repeat(31));
    longest.close();
    assert.throws(() => heap.allocate(1, { name: 'n'.repeat(32) }), RangeError);
    assert.throws(() => heap.allocate(1, { name: 'ä'.repeat(16) }), /32 bytes/u);
    assert.throws(() => heap.allocate(1, { name: 'a\0b' }), RangeError);
    assert.throws(() => heap.allocate(1, { name: 7 as unknown as string }), TypeError);
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(subject, 'allocate() refuses an option that it does not have, and names those it has', (heap) => {
    assert.throws(
      () => heap.allocate(1, { sharable: true } as object),
      /'sharable' is not one of the options.*name, shareable/u,
    );
  });

  heapTest(subject, 'setName() renames, and refuses what allocate() refuses', (heap) => {
    const buffer = heap.allocate(1, { name: 'before' });
    buffer.setName('after');
    assert.equal(buffer.name, 'after');
    assert.throws(() => buffer.setName('n'.repeat(32)), RangeError);
    assert.equal(buffer.name, 'after');
    buffer.close();
    assert.throws(
      () => buffer.setName('late'),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
  });

  heapTest(subject, 'close() of a heap ends allocation and leaves its buffers alone', (heap) => {
    const buffer = heap.allocate(MiB);
    heap.close();
    heap.close();
    assert.throws(
      () => heap.allocate(1),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
    const view = buffer.vmap();
    view.bytes[MiB - 1] = 7;
    assert.equal(view.bytes[MiB - 1], 7);
    view.close();
    buffer.close();
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(
    subject,
    'layout() covers the buffer with whole pages, each once',
    (heap) => {
      const buffers = [heap.allocate(3 * MiB + 5 * 64 * KiB + 3 * 4 * KiB), heap.allocate(60 * KiB)];
      const seen = new Set<number>();
      for (const buffer of buffers) {
        const layout = buffer.layout();
        assert.ok(layout.known);
        let length = 0;
        for (const entry of layout.table.entries()) {
          assert.equal(entry.offset, 0);
          assert.equal(entry.length % heap.pageSize, 0);
          for (let page = 0; page < entry.length / heap.pageSize; page += 1) {
            assert.ok(!seen.has(entry.pfn + page), `page ${entry.pfn + page} belongs to two buffers, or twice to one`);
            seen.add(entry.pfn + page);
          }
          length += entry.length;
        }
        assert.equal(length, buffer.length);
      }
      for (const buffer of buffers) buffer.close();
    },
    ['layout'],
  );

  heapTest(
    subject,
    'allocate() refuses more than the capacity with ENOMEM and the values, and goes on below it',
    (heap) => {
      const { capacityBytes = 0 } = heap.stats();
      const held = heap.allocate(MiB);
      assert.throws(
        () => heap.allocate(capacityBytes),
        (error) => {
          assert.ok(isDmaBufError(error, 'ENOMEM'));
          assert.equal(error.errno, -12);
          assert.deepEqual(error.values, { length: capacityBytes, usedBytes: MiB, capacityBytes });
          assert.match(error.message, /1 MiB of its capacity.*close buffers/u);
          return true;
        },
      );
      assert.equal(heap.stats().usedBytes, MiB);
      held.close();
      heap.allocate(MiB).close();
    },
    ['capacity'],
  );
}
