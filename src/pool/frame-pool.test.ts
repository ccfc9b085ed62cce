import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../base/errors.ts';
import { MiB } from '../base/sizes.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { createFramePool } from './frame-pool.ts';
import type { FramePoolOptions } from './frame-pool.ts';

function withHeap(body: (heap: EmbeddedHeap) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const heap = openEmbeddedHeap({ capacity: 64 * MiB });
    await body(heap);
    assert.equal(heap.stats().usedBytes, 0);
    assert.equal(heap.stats().mappingCount, 0);
    heap.close();
  };
}

test(
  'FramePool hands out each frame to one user at a time, the one released last first',
  withHeap((heap) => {
    const pool = createFramePool(heap, { length: MiB, count: 3, name: 'camera' });
    assert.deepEqual([pool.frameCount, pool.freeCount, pool.length], [3, 3, MiB]);
    const frames = [pool.acquire(), pool.acquire(), pool.acquire()];
    assert.deepEqual(
      frames.map(({ index, buffer }) => [index, buffer.name]),
      [
        [0, 'camera0'],
        [1, 'camera1'],
        [2, 'camera2'],
      ],
    );
    assert.throws(
      () => pool.acquire(),
      (error) => isDmaBufError(error, 'EAGAIN'),
    );
    frames[1]?.release();
    frames[1]?.release();
    assert.equal(pool.freeCount, 1);
    const again = pool.acquire();
    assert.deepEqual([again.index, again.buffer.name], [1, 'camera1']);
    again.release();
    for (const frame of frames) frame.release();
    assert.equal(pool.freeCount, 3);
    pool.close();
    pool.close();
  }),
);

test(
  'release() by a previous holder does not take the frame from its current one',
  withHeap((heap) => {
    const pool = createFramePool(heap, { length: MiB, count: 2 });
    const held = pool.acquire();
    const old = pool.acquire();
    old.release();
    const now = pool.acquire();
    assert.equal(now.index, old.index);
    old.release();
    assert.equal(pool.freeCount, 0);
    assert.deepEqual([old.inUse, now.inUse], [false, true]);
    assert.throws(
      () => pool.acquire(),
      (error) => isDmaBufError(error, 'EAGAIN'),
    );
    now.release();
    held.release();
    pool.close();
  }),
);

test(
  'PooledFrame gives neither bytes nor buffer once it was released',
  withHeap((heap) => {
    const pool = createFramePool(heap, { length: MiB, count: 1 });
    const old = pool.acquire();
    old.release();
    const now = pool.acquire();
    now.bytes[0] = 1;
    for (const use of [() => old.bytes, () => old.buffer]) {
      assert.throws(use, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED') && /frame 0/u.test(error.message));
    }
    assert.deepEqual([inspect(old), inspect(now)], ['PooledFrame { 0, released }', 'PooledFrame { 0, in use }']);
    now.release();
    pool.close();
  }),
);

test(
  "FramePool keeps a frame's bytes and its array between its uses",
  withHeap((heap) => {
    const pool = createFramePool(heap, { length: MiB, count: 1 });
    const first = pool.acquire();
    const { bytes } = first;
    bytes[5] = 5;
    first.release();
    const second = pool.acquire();
    assert.equal(second.bytes, bytes);
    assert.equal(second.bytes[5], 5);
    second.release();
    pool.close();
    assert.equal(bytes[5], 0);
  }),
);

test(
  'FramePool frames cause no page faults',
  withHeap((heap) => {
    const pool = createFramePool(heap, { length: 32 * MiB, count: 1 });
    const frame = pool.acquire();
    const before = process.resourceUsage().minorPageFault;
    for (let offset = 0; offset < frame.bytes.length; offset += heap.pageSize) frame.bytes[offset] = 1;
    const faultCount = process.resourceUsage().minorPageFault - before;
    assert.ok(faultCount < 8192 / 16, `${faultCount} faults for 8,192 pages`);
    frame.release();
    pool.close();
  }),
);

test(
  'acquireWhenFree() waits in order, is aborted by its signal, and passes the frame on',
  withHeap(async (heap) => {
    const pool = createFramePool(heap, { length: 4096, count: 1 });
    const frame = await pool.acquireWhenFree();
    const order: string[] = [];
    const controller = new AbortController();
    const first = pool.acquireWhenFree({ signal: controller.signal });
    const second = pool.acquireWhenFree().then((taken) => {
      order.push('second');
      return taken;
    });
    const third = pool.acquireWhenFree().then((taken) => {
      order.push('third');
      return taken;
    });
    controller.abort(new Error('enough'));
    frame.release();
    await assert.rejects(first, /enough/u);
    (await second).release();
    (await third).release();
    assert.deepEqual(order, ['second', 'third']);
    const held = pool.acquire();
    const waiting = pool.acquireWhenFree();
    pool.close();
    await assert.rejects(waiting, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
    assert.equal(heap.stats().bufferCount, 1);
    held.release();
    assert.throws(
      () => pool.acquire(),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
  }),
);

test(
  'createFramePool() that cannot have all its frames leaves none behind',
  withHeap((heap) => {
    assert.throws(
      () => createFramePool(heap, { length: 10 * MiB, count: 7 }),
      (error) => isDmaBufError(error, 'ENOMEM'),
    );
    assert.throws(() => createFramePool(heap, { length: MiB, count: 0 }), RangeError);
    assert.throws(() => createFramePool(heap, { length: 0, count: 1 }), RangeError);
    assert.throws(() => createFramePool(heap, { length: MiB, count: 1, name: 'n'.repeat(31) }), RangeError);
    assert.throws(() => createFramePool(heap, { length: MiB, size: 1 } as never), TypeError);
    assert.throws(() => createFramePool(heap, { length: MiB, count: 1, name: 5 as never }), TypeError);
    for (const shareable of [1, 'true', null])
      assert.throws(() => createFramePool(heap, { length: MiB, count: 1, shareable: shareable as never }), TypeError);
  }),
);

test(
  'FramePool does not hand out a frame whose buffer its user has closed',
  withHeap((heap) => {
    const pool = createFramePool(heap, { length: MiB, count: 2 });
    const frame = pool.acquire();
    frame.buffer.close();
    frame.release();
    assert.deepEqual([pool.frameCount, pool.freeCount], [1, 1]);
    assert.equal(heap.stats().usedBytes, MiB);
    const other = pool.acquire();
    assert.equal(other.buffer.closed, false);
    other.release();
    pool.close();
    assert.throws(() => createFramePool('system' as never, { length: MiB, count: 1 }), /open heap/u);
  }),
);

test(
  'createFramePool({ layout }) gives frames that know where their planes lie',
  withHeap((heap) => {
    const layout = describeFrame('NV12', { width: 6, height: 4, stride: 16 });
    const pool = createFramePool(heap, { layout, count: 2 });
    const frame = pool.acquire();
    assert.equal(frame.layout?.description, layout);
    assert.equal(frame.layout.planes[1]?.buffer, frame.buffer);
    const chroma = frame.plane(1);
    chroma.row(1).fill(9);
    assert.deepEqual([...frame.bytes.subarray(79, 87)], [0, 9, 9, 9, 9, 9, 9, 0]);
    assert.throws(() => frame.plane(2), RangeError);
    frame.release();
    for (const use of [() => frame.layout, () => frame.plane(1), () => chroma.bytes])
      assert.throws(use, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
    pool.close();
    const plain = createFramePool(heap, { length: MiB, count: 1 });
    const without = plain.acquire();
    assert.equal(without.layout, undefined);
    without.release();
    plain.close();
  }),
);

test(
  'createFramePool refuses an invalid layout, or one that does not fit a frame',
  withHeap((heap) => {
    const layout = describeFrame('R8', { width: 64, height: 64 });
    const refuses = (options: Partial<FramePoolOptions>, name: string): void =>
      assert.throws(() => createFramePool(heap, { count: 1, ...options }), { name });
    refuses({}, 'TypeError');
    refuses({ layout: 'R8' as never }, 'TypeError');
    refuses({ layout, length: 4095 }, 'RangeError');
    refuses({ layout: describeFrame('NV12', { width: 6, height: 4, separate: true }) }, 'RangeError');
    const pool = createFramePool(heap, { layout, length: MiB, count: 1 });
    assert.equal(pool.length, MiB);
    pool.close();
    const plain = createFramePool(heap, { length: MiB, count: 1 });
    const frame = plain.acquire();
    assert.throws(
      () => frame.plane(0),
      (error) => isDmaBufError(error, 'EOPNOTSUPP'),
    );
    frame.release();
    plain.close();
  }),
);

test(
  'FramePool takes a frame back at the end of its block',
  withHeap((heap) => {
    using pool = createFramePool(heap, { length: 4096, count: 1 });
    {
      using frame = pool.acquire();
      assert.equal(frame.inUse, true);
      assert.equal(pool.freeCount, 0);
    }
    assert.equal(pool.freeCount, 1);
  }),
);

test('FramePool makes frames as shareable as its heap, unless an option says otherwise', () => {
  const heap = openEmbeddedHeap({ capacity: 64 * MiB, shareable: true });
  const shareable = createFramePool(heap, { length: 4096, count: 1 });
  const own = createFramePool(heap, { length: 4096, count: 1, shareable: false });
  shareable.acquire().buffer.exportFd().close();
  assert.throws(() => own.acquire().buffer.exportFd(), { code: 'EOPNOTSUPP' });
  for (const each of [shareable, own, heap]) each.close();
});
