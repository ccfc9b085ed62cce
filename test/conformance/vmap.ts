import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { GiB, KiB, MiB, isDmaBufError } from '../../src/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

const isClosed = (error: unknown): boolean => isDmaBufError(error, 'ERR_DMABUF_CLOSED');

export function testVmap(subject: HeapUnderTest): void {
  heapTest(subject, 'vmap() gives exactly the buffer, as shared memory of its size', (heap) => {
    const buffer = heap.allocate(5 * heap.pageSize);
    const view = buffer.vmap();
    assert.ok(view.bytes.buffer instanceof SharedArrayBuffer);
    assert.equal(view.bytes.buffer.byteLength, 5 * heap.pageSize);
    assert.equal(view.bytes.byteOffset, 0);
    assert.equal(view.bytes.byteLength, buffer.length);
    assert.equal(view.bytes, view.bytes);
    view.close();
    buffer.close();
  });

  heapTest(subject, 'vmap() again is another handle on the same window, and the last close unmaps it', (heap) => {
    const buffer = heap.allocate(MiB);
    const first = buffer.vmap();
    const second = buffer.vmap();
    const { bytes } = first;
    bytes[9] = 9;
    assert.equal(second.bytes[9], 9);
    assert.equal(second.bytes.buffer, bytes.buffer);
    first.close();
    first.close();
    assert.equal(bytes[9], 9, 'the window stays while the second handle is open');
    assert.throws(() => first.bytes, isClosed);
    second.close();
    assert.equal(bytes[9], 0, 'a view kept after the last close reads zeros');
    const third = buffer.vmap();
    assert.equal(third.bytes[9], 9, 'the buffer keeps its bytes without a window');
    third.close();
    buffer.close();
  });

  heapTest(subject, 'vmap() views kept after close never show the next owner', (heap) => {
    const stale = [];
    for (let round = 0; round < 20; round += 1) {
      const buffer = heap.allocate(MiB);
      const view = buffer.vmap();
      stale.push(view.bytes);
      view.bytes.fill(round + 1);
      view.close();
      buffer.close();
      assert.ok(stale.every((bytes) => bytes[0] === 0 && bytes[MiB - 1] === 0));
    }
    for (const bytes of stale) bytes.fill(0xff);
    const buffer = heap.allocate(MiB);
    const view = buffer.vmap();
    assert.ok(
      view.bytes.every((byte) => byte === 0),
      'what is written into a stale view reaches nobody',
    );
    view.close();
    buffer.close();
  });

  heapTest(subject, 'vmap({ populate: true }) leaves no page faults', (heap) => {
    const buffer = heap.allocate(64 * MiB);
    const view = buffer.vmap({ populate: true });
    const { bytes } = view;
    const touch = (): number => {
      const before = process.resourceUsage().minorPageFault;
      for (let offset = 0; offset < bytes.length; offset += heap.pageSize) bytes[offset] = 1;
      return process.resourceUsage().minorPageFault - before;
    };
    const faults = touch();
    view.close();
    assert.ok(faults < 16_384 / 16, `${faults} faults for 16,384 pages`);
    buffer.close();
  });

  heapTest(subject, 'vmap() refuses an option that it does not have', (heap) => {
    const buffer = heap.allocate(1);
    assert.throws(() => buffer.vmap({ prefault: true } as object), TypeError);
    assert.throws(() => buffer.vmap(null as unknown as object), TypeError);
    buffer.close();
  });

  heapTest(subject, 'subarray(), as() and copyOut() show the same bytes', (heap) => {
    const buffer = heap.allocate(2 * heap.pageSize);
    const view = buffer.vmap();
    view.bytes.set([1, 2, 3, 4, 5, 6, 7, 8], heap.pageSize);
    assert.deepEqual([...view.subarray(heap.pageSize, 4)], [1, 2, 3, 4]);
    assert.equal(view.subarray(heap.pageSize).length, heap.pageSize);
    assert.equal(view.as(Uint32Array)[heap.pageSize / 4], 0x0403_0201);
    assert.equal(view.as(BigUint64Array).length, (2 * heap.pageSize) / 8);
    const copy = view.copyOut(heap.pageSize, 8);
    assert.ok(copy.buffer instanceof ArrayBuffer);
    assert.deepEqual([...copy], [1, 2, 3, 4, 5, 6, 7, 8]);
    copy[0] = 99;
    assert.equal(view.bytes[heap.pageSize], 1);
    assert.throws(() => view.subarray(-1, 1), RangeError);
    assert.throws(() => view.subarray(0, buffer.length + 1), RangeError);
    assert.throws(() => view.subarray(buffer.length + 1), RangeError);
    assert.throws(() => view.as({} as typeof Uint8Array), TypeError);
    view.close();
    for (const use of [() => view.bytes, () => view.subarray(0, 1), () => view.as(Uint8Array), () => view.copyOut()]) {
      assert.throws(use, isClosed);
    }
    buffer.close();
  });

  heapTest(subject, 'vmap() bytes go to files and come from them without a copy', (heap) => {
    const buffer = heap.allocate(MiB);
    const view = buffer.vmap();
    for (let index = 0; index < MiB; index += 1) view.bytes[index] = index % 251;
    const path = join(tmpdir(), `dmabuf-${process.pid}-${subject.name}`);
    writeFileSync(path, view.bytes);
    const expected = new Uint8Array(MiB).map((_, index) => index % 251);
    assert.ok(readFileSync(path).equals(expected));
    rmSync(path);
    view.close();
    buffer.close();
  });

  heapTest(
    subject,
    'vmap() maps 10,000 small buffers at once',
    (heap) => {
      const views = Array.from({ length: 10_000 }, (_, index) => {
        const buffer = heap.allocate(4 * KiB);
        const view = buffer.vmap();
        view.as(Uint32Array)[7] = index;
        return { buffer, view };
      });
      assert.ok(views.every(({ view }, index) => view.as(Uint32Array)[7] === index));
      assert.equal(heap.stats().bufferCount, 10_000);
      for (const { buffer, view } of views) {
        view.close();
        buffer.close();
      }
      assert.equal(heap.stats().mappingCount, 0);
      assert.equal(heap.stats().usedBytes, 0);
    },
    ['many'],
  );

  heapTest(
    subject,
    'vmap() gives 4 GiB as one view, and more by subarray()',
    (heap, context) => {
      const { capacityBytes = 0 } = heap.stats();
      if (capacityBytes < 5 * GiB) {
        context.skip(`the heap's capacity is ${capacityBytes} bytes: 5 GiB are needed`);
        return;
      }
      const whole = heap.allocate(4 * GiB);
      const wholeView = whole.vmap();
      assert.equal(wholeView.bytes.length, 4 * GiB);
      wholeView.bytes[4 * GiB - 1] = 1;
      assert.equal(wholeView.subarray(4 * GiB - 1, 1)[0], 1);
      wholeView.close();
      whole.close();
      const large = heap.allocate(4 * GiB + heap.pageSize);
      const largeView = large.vmap();
      assert.throws(
        () => largeView.bytes,
        /'length' must be at most 4 GiB, received \d+ bytes: take parts with subarray/u,
      );
      const tail = largeView.subarray(4 * GiB, heap.pageSize);
      tail[0] = 2;
      assert.equal(largeView.subarray(4 * GiB - 1, 2)[1], 2);
      largeView.close();
      assert.equal(tail[0], 0);
      large.close();
    },
    ['capacity', 'viewsOf4GiB'],
  );

  heapTest(
    subject,
    'vmap().bytes alone keeps the buffer alive',
    async (heap) => {
      const { bytes } = heap.allocate(MiB).vmap();
      bytes.fill(42);
      const collected = await collectGarbageUntil(() => heap.stats().leakedCount > 0, 10);
      assert.equal(collected, false);
      assert.ok(bytes.every((byte) => byte === 42));
      assert.equal(heap.stats().usedBytes, MiB);
      assert.equal(heap.stats().bufferCount, 1);
    },
    ['collection'],
  );
}
