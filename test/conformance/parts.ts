import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

const isClosed = (error: unknown): boolean => isDmaBufError(error, 'ERR_DMABUF_CLOSED');

/** Writes the number of each page into its first word, through a window of the whole. */
function numberPages(buffer: DmaBuf, pageSize: number): void {
  const view = buffer.vmap();
  const words = view.as(Uint32Array);
  for (let page = 0; page * pageSize < buffer.length; page += 1) words[(page * pageSize) / 4] = page + 1;
  view.close();
}

export function testParts(subject: HeapUnderTest): void {
  heapTest(subject, 'vmap({ offset, length }) maps exactly that part, as shared memory of its own', (heap) => {
    const { pageSize } = heap;
    const buffer = heap.allocate(3 * MiB);
    numberPages(buffer, pageSize);
    const pageCount = buffer.length / pageSize;
    for (const [first, count] of [
      [0, 1],
      [1, 2],
      [pageCount - 1, 1],
      [pageCount / 2 - 1, pageCount / 2],
    ] as const) {
      const view = buffer.vmap({ offset: first * pageSize, length: count * pageSize });
      assert.equal(view.length, count * pageSize);
      assert.equal(view.bytes.length, count * pageSize);
      assert.equal(view.bytes.buffer.byteLength, count * pageSize);
      const words = view.as(Uint32Array);
      for (let page = 0; page < count; page += 1) assert.equal(words[(page * pageSize) / 4], first + page + 1);
      view.close();
    }
    buffer.close();
    assert.equal(heap.stats().mappingCount, 0);
  });

  heapTest(subject, 'vmap() of a part and of the whole show each other what is written', (heap) => {
    const { pageSize } = heap;
    const buffer = heap.allocate(4 * pageSize);
    const whole = buffer.vmap();
    const part = buffer.vmap({ offset: pageSize, length: 2 * pageSize, populate: true });
    const other = buffer.vmap({ offset: 2 * pageSize });
    whole.bytes[pageSize] = 7;
    assert.equal(part.bytes[0], 7);
    part.bytes[pageSize + 3] = 9;
    assert.equal(whole.bytes[2 * pageSize + 3], 9);
    assert.equal(other.bytes[3], 9);
    assert.notEqual(part.bytes.buffer, whole.bytes.buffer);
    const stale = part.bytes;
    part.close();
    part.close();
    assert.equal(stale[0], 0, 'what is kept of a closed part reads zeros');
    assert.equal(whole.bytes[pageSize], 7);
    assert.throws(() => part.bytes, isClosed);
    whole.close();
    buffer.close();
    assert.equal(other.bytes[3], 9, 'a part holds the memory of a buffer that was closed');
    assert.equal(heap.stats().bufferCount, 1);
    other.close();
    assert.equal(heap.stats().bufferCount, 0);
    assert.equal(heap.stats().mappingCount, 0);
  });

  heapTest(subject, 'vmap() of a part takes any length, and none but whole pages for its offset', (heap) => {
    const { pageSize } = heap;
    const buffer = heap.allocate(4 * pageSize);
    const view = buffer.vmap({ offset: pageSize, length: pageSize + 3 });
    assert.equal(view.length, pageSize + 3);
    assert.equal(view.bytes.length, pageSize + 3);
    view.close();
    const whole = buffer.vmap({ offset: 0, length: buffer.length });
    const same = buffer.vmap();
    assert.equal(whole.bytes.buffer, same.bytes.buffer, 'the whole has one window, however it is asked for');
    for (const each of [whole, same]) each.close();
    const refused = (options: object, name: string): void =>
      assert.throws(() => buffer.vmap(options), {
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
        message: RegExp(name),
      });
    refused({ offset: 1 }, "'offset' must be a multiple of the page size");
    refused({ offset: -pageSize }, "'offset'");
    refused({ offset: 4 * pageSize }, "'offset'");
    refused({ length: 0 }, "'length'");
    refused({ length: buffer.length + 1 }, "'length'");
    refused({ offset: pageSize, length: buffer.length }, "'length'");
    assert.throws(() => buffer.vmap({ offset: '0' as unknown as number }), { code: 'ERR_INVALID_ARG_TYPE' });
    buffer.close();
    assert.throws(() => buffer.vmap({ offset: pageSize }), isClosed);
  });

  heapTest(
    subject,
    'vmap({ readOnly: true }) of a part shows what is written, and nothing stored in it reaches the buffer',
    (heap) => {
      const buffer = heap.allocate(2 * heap.pageSize);
      const part = buffer.vmap({ offset: heap.pageSize, readOnly: true });
      buffer.accessSync('write', (bytes) => bytes.fill(5));
      assert.equal(part.readOnly, true);
      assert.equal(part.bytes[0], 5);
      part.bytes[0] = 6;
      buffer.accessSync('read', (bytes) => assert.equal(bytes[heap.pageSize], 5));
      part.close();
      buffer.close();
    },
    ['privateViews'],
  );

  heapTest(
    subject,
    'vmap() of a part whose array alone is left keeps the buffer alive, and gives it back when that is gone',
    async (heap) => {
      // Used in functions of their own: Bun's collector takes old words of this one's for
      // references.
      const left: { bytes?: Uint8Array } = {};
      (() => {
        left.bytes = heap.allocate(MiB).vmap({ offset: heap.pageSize }).bytes.fill(42);
      })();
      const early = await collectGarbageUntil(() => heap.stats().leakedCount > 0, 10);
      assert.equal(early, false);
      assert.ok((() => left.bytes?.every((byte) => byte === 42))());
      delete left.bytes;
      assert.equal(await collectGarbageUntil(() => heap.stats().bufferCount === 0), true);
      assert.equal(heap.stats().mappingCount, 0);
    },
    ['collection'],
  );

  heapTest(subject, 'as(), dataView() and buffer() show a part of the buffer without a copy', (heap) => {
    const { pageSize } = heap;
    const buffer = heap.allocate(2 * pageSize);
    const view = buffer.vmap();
    view.bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 8);
    const words = view.as(Uint32Array, 8, 8);
    assert.deepEqual([...words], [0x0403_0201, 0x0807_0605]);
    words[0] = 0;
    assert.equal(view.bytes[8], 0);
    assert.equal(view.as(Float64Array, pageSize).length, pageSize / 8);
    const data = view.dataView(9, 4);
    assert.equal(data.byteLength, 4);
    data.setUint16(0, 0x0a0b);
    assert.deepEqual([...view.subarray(9, 2)], [0x0a, 0x0b]);
    assert.equal(view.dataView().byteLength, 2 * pageSize);
    const node = view.buffer(100, 16);
    assert.ok(Buffer.isBuffer(node));
    assert.equal(node.write('a picture'), 9);
    assert.equal(node.buffer, view.bytes.buffer);
    assert.equal(view.buffer().toString('latin1', 100, 109), 'a picture');
    const refused: readonly (readonly [() => unknown, string])[] = [
      [() => view.as(Uint32Array, 2, 4), "'offset' must be whole elements of 4 bytes, received 2"],
      [() => view.as(Uint32Array, 0, 6), "'length' must be whole elements of 4 bytes, received 6"],
      [() => view.as(Uint32Array, 2 * pageSize, 4), "'length'"],
      [() => view.dataView(2 * pageSize + 1), "'offset'"],
      [() => view.buffer(0, 2 * pageSize + 1), "'length'"],
    ];
    for (const [call, says] of refused)
      assert.throws(call, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: RegExp(says) });
    view.close();
    for (const use of [() => view.as(Uint8Array, 0, 1), () => view.dataView(), () => view.buffer()])
      assert.throws(use, isClosed);
    buffer.close();
  });

  heapTest(subject, 'buffer() is what files are read into and hashed from', (heap) => {
    const buffer = heap.allocate(64 * KiB);
    const view = buffer.vmap();
    const path = join(tmpdir(), `dmabuf-part-${process.pid}-${subject.name}`);
    const file = openSync(path, 'w+');
    const node = view.buffer();
    node.fill('0123456789abcdef');
    assert.equal(writeSync(file, node, 0, 4096, 0), 4096);
    assert.equal(readSync(file, node, 8192, 4096, 0), 4096);
    closeSync(file);
    rmSync(path);
    assert.ok(view.buffer(8192, 4096).equals(Buffer.alloc(4096, '0123456789abcdef')));
    const hash = createHash('sha256').update(view.buffer(0, 64)).digest('hex');
    assert.equal(hash, createHash('sha256').update('0123456789abcdef'.repeat(4)).digest('hex'));
    view.close();
    buffer.close();
  });
}
