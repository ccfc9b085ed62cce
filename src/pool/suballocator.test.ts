import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../base/errors.ts';
import { KiB, MiB } from '../base/sizes.ts';
import { createSuballocator } from './suballocator.ts';

checkLeaksAfterFile();

function withHeap(body: (heap: EmbeddedHeap) => void): () => void {
  return () => {
    const heap = openEmbeddedHeap({ capacity: 64 * MiB });
    body(heap);
    assert.equal(heap.stats().usedBytes, 0);
    assert.equal(heap.stats().mappingCount, 0);
    heap.close();
  };
}

function isClosedError(error: unknown): boolean {
  return isDmaBufError(error, 'ERR_DMABUF_CLOSED');
}

test(
  'Suballocator takes many allocations from one buffer, at multiples of the granule',
  withHeap((heap) => {
    const pool = createSuballocator(heap, { chunkLength: MiB, granule: 256, name: 'commands' });
    const allocations = [100, 256, 257].map((length) => pool.allocate(length));
    assert.deepEqual(
      allocations.map(({ offset, length, bytes }) => [offset, length, bytes.length]),
      [
        [0, 100, 100],
        [256, 256, 256],
        [512, 257, 257],
      ],
    );
    assert.equal(new Set(allocations.map(({ buffer }) => buffer)).size, 1);
    assert.equal(allocations[0]?.buffer.name, 'commands0');
    assert.deepEqual(pool.stats(), {
      chunkCount: 1,
      length: MiB,
      usedLength: 1024,
      usedLengthPeak: 1024,
      allocationCount: 3,
      largestFree: MiB - 1024,
      grownCount: 1,
      releasedCount: 0,
    });
    for (const allocation of allocations) pool.free(allocation);
    assert.equal(pool.stats().largestFree, MiB);
    pool.close();
  }),
);

test(
  'Suballocation.bytes are the bytes of its buffer at its offset',
  withHeap((heap) => {
    using pool = createSuballocator(heap, { chunkLength: 64 * KiB });
    using first = pool.allocate(10);
    using second = pool.allocate(10);
    second.bytes.fill(7);
    second.buffer.accessSync('read', (bytes) => {
      assert.deepEqual([...bytes.subarray(second.offset, second.offset + 12)], [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0]);
    });
    assert.deepEqual(
      [...first.bytes],
      Array.from({ length: 10 }, () => 0),
    );
  }),
);

test(
  'Suballocator.allocate() hands out zeros where others were before, unless told not to',
  withHeap((heap) => {
    for (const [zeroed, expected] of [
      [true, 0],
      [false, 0xaa],
    ] as const) {
      using pool = createSuballocator(heap, { granule: 64, zeroed });
      const dirty = pool.allocate(1000);
      dirty.bytes.fill(0xaa);
      dirty.free();
      using next = pool.allocate(1000);
      assert.ok(next.bytes.every((byte) => byte === expected));
    }
  }),
);

test(
  'Suballocator.allocate() aligns offsets beyond the granule',
  withHeap((heap) => {
    using pool = createSuballocator(heap, { granule: 64 });
    using first = pool.allocate(1);
    using aligned = pool.allocate(1, { alignment: 4096 });
    using between = pool.allocate(1);
    using loose = pool.allocate(1, { alignment: 1 });
    assert.deepEqual([first, aligned, between, loose].map(({ offset }) => offset), [0, 4096, 64, 128]); // prettier-ignore
  }),
);

test(
  'Suballocator grows by a chunk as large as is needed, up to lengthMax',
  withHeap((heap) => {
    const pool = createSuballocator(heap, { chunkLength: MiB, lengthMax: 4 * MiB });
    const small = pool.allocate(600 * KiB);
    const large = pool.allocate(3 * MiB);
    assert.deepEqual([pool.stats().chunkCount, pool.stats().length], [2, 4 * MiB]);
    assert.notEqual(small.buffer, large.buffer);
    assert.throws(
      () => pool.allocate(600 * KiB),
      (error) => isDmaBufError(error, 'ENOMEM') && error.values['lengthMax'] === 4 * MiB,
    );
    assert.equal(pool.stats().allocationCount, 2);
    small.free();
    pool.free(large);
    // Neither idle chunk holds it, so both make room.
    const whole = pool.allocate(4 * MiB);
    assert.deepEqual([pool.stats().chunkCount, pool.stats().releasedCount], [1, 2]);
    whole.free();
    pool.close();
  }),
);

test(
  'Suballocator gives idle chunks back, the largest first, and keeps idleChunksMax of them',
  withHeap((heap) => {
    const pool = createSuballocator(heap, { chunkLength: MiB, idleChunksMax: 1 });
    const parts = [MiB, MiB, 2 * MiB].map((length) => pool.allocate(length));
    for (const part of parts) part.free();
    assert.deepEqual([pool.stats().chunkCount, pool.stats().length], [1, MiB]);
    assert.equal(heap.stats().usedBytes, MiB);
    assert.equal(pool.trim(), MiB);
    assert.equal(pool.trim(), 0);
    assert.equal(heap.stats().usedBytes, 0);
    pool.close();
  }),
);

test(
  'Suballocator.free() refuses what was freed, what is another one’s, and what is none',
  withHeap((heap) => {
    using pool = createSuballocator(heap);
    using other = createSuballocator(heap);
    const allocation = pool.allocate(1);
    assert.throws(() => other.free(allocation), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    for (const value of [undefined, {}, Object.create(allocation)])
      assert.throws(() => pool.free(value as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    pool.free(allocation);
    const next = pool.allocate(1);
    assert.equal(next.offset, allocation.offset);
    assert.throws(() => pool.free(allocation), isClosedError);
    allocation.free();
    assert.equal(next.inUse, true);
    assert.equal(pool.stats().allocationCount, 1);
    assert.throws(() => allocation.bytes, isClosedError);
    assert.throws(() => allocation.buffer, isClosedError);
    next.free();
  }),
);

test(
  'Suballocator.close() leaves allocations to their users, and closes a chunk with its last one',
  withHeap((heap) => {
    const pool = createSuballocator(heap, { chunkLength: MiB });
    const [first, second] = [pool.allocate(1), pool.allocate(1)];
    pool.close();
    pool.close();
    assert.throws(() => pool.allocate(1), isClosedError);
    second.bytes.fill(1);
    pool.free(first);
    assert.equal(heap.stats().usedBytes, MiB);
    second.free();
    assert.equal(heap.stats().usedBytes, 0);
    assert.deepEqual([pool.closed, pool.stats().chunkCount], [true, 0]);
  }),
);

test(
  'Suballocator passes over a chunk whose buffer its user has closed',
  withHeap((heap) => {
    using pool = createSuballocator(heap, { chunkLength: MiB });
    const first = pool.allocate(1);
    first.buffer.close();
    const second = pool.allocate(1);
    assert.equal(second.buffer.closed, false);
    first.free();
    second.free();
    assert.equal(pool.stats().chunkCount, 1);
  }),
);

test(
  'createSuballocator() refuses options that are none',
  withHeap((heap) => {
    for (const options of [
      { granule: 8 },
      { granule: 48 },
      { granule: 128 * KiB },
      { chunkLength: 2 * MiB, lengthMax: MiB },
      { chunkLength: 0 },
      { idleChunksMax: -1 },
    ])
      assert.throws(() => createSuballocator(heap, options), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    for (const options of [{ zeroed: 1 }, { zero: true }, { name: 7 }, { shareable: 'yes' }])
      assert.throws(() => createSuballocator(heap, options as never), TypeError);
    assert.throws(() => createSuballocator({} as never), TypeError);
    using pool = createSuballocator(heap);
    for (const [length, alignment] of [
      [0, 1],
      [1.5, 1],
      [1, 3],
      [1, 0],
      [257 * MiB, 1],
    ])
      // prettier-ignore
      assert.throws(() => pool.allocate(length as number, { alignment: alignment as number }), RangeError);
  }),
);

test(
  'Suballocator and Suballocation show their state',
  withHeap((heap) => {
    using pool = createSuballocator(heap, { chunkLength: MiB });
    using allocation = pool.allocate(5);
    assert.equal(inspect(pool), 'Suballocator { 1 chunks, 4 KiB of 1 MiB used, 1 allocations, open }');
    assert.equal(inspect(allocation), 'Suballocation { 5 bytes at 0, in use }');
  }),
);
