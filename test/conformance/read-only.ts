import assert from 'node:assert/strict';

import { Fence } from '../../src/heap/importer/index.ts';
import { MiB, importBuffer, isDmaBufError, openHandle } from '../../src/index.ts';
import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import type { BufferView, DmaBuf, Heap } from '../../src/index.ts';
import { toAddress, toByteLength } from '../../src/base/quantities.ts';
import { addressOf } from '../../src/linux/calls/kernel-calls.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { presentPages } from '../support/devices/page-tables.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

const isRefused = (error: unknown): boolean => isDmaBufError(error, 'EACCES');
/** A page, and the one after it. */
const STORED = 0;
const UNTOUCHED = MiB / 2;

function present(view: BufferView, pageSize: number): boolean[] {
  const address = toAddress(addressOf(view.subarray(0, 1)));
  return presentPages({ address, length: toByteLength(view.length) }, pageSize);
}

/** The same memory, imported for reading. */
function importToRead(buffer: DmaBuf): DmaBuf {
  const fd = buffer.exportFd();
  try {
    return importBuffer(fd, { mode: 'read' });
  } finally {
    fd.close();
  }
}

/** In functions of their own, so that nothing of the test's frame keeps the buffers. */
function dropBufferWithTwoWindows(heap: Heap): void {
  const buffer = heap.allocate(MiB);
  buffer.vmap().bytes.fill(1);
  assert.equal(buffer.vmap({ readOnly: true }).bytes[9], 1);
}

function dropSealedBuffer(heap: Heap): void {
  heap.allocate(MiB, { shareable: 'read-only' }).vmap().bytes.fill(1);
}

function testReadOnlyViews(subject: HeapUnderTest): void {
  heapTest(subject, 'vmap({ readOnly: true }) shows what is written, through a window of its own', (heap) => {
    const buffer = heap.allocate(MiB);
    const writer = buffer.vmap();
    const reader = buffer.vmap({ readOnly: true });
    assert.deepEqual([writer.readOnly, reader.readOnly, buffer.readOnly], [false, true, false]);
    assert.notEqual(reader.bytes.buffer, writer.bytes.buffer);
    writer.bytes.fill(7);
    assert.ok(reader.bytes.every((byte) => byte === 7));
    assert.equal(buffer.vmap({ readOnly: true }).bytes.buffer, reader.bytes.buffer);
    for (const each of [writer, reader]) each.close();
    buffer.close();
  });

  heapTest(
    subject,
    'a store into a read-only view reaches nobody, and its page alone follows the buffer no longer',
    (heap) => {
      const buffer = heap.allocate(MiB);
      const writer = buffer.vmap();
      const reader = buffer.vmap({ readOnly: true });
      reader.bytes[STORED] = 1;
      assert.equal(writer.bytes[STORED], 0);
      writer.bytes.fill(9);
      assert.deepEqual([reader.bytes[STORED], reader.bytes[UNTOUCHED]], [1, 9]);
      reader.close();
      const again = buffer.vmap({ readOnly: true });
      assert.equal(again.bytes[STORED], 9, 'mapped anew, it shows the buffer');
      for (const each of [writer, again]) each.close();
      buffer.close();
    },
    ['privateViews'],
  );

  heapTest(subject, 'vmap({ readOnly: true, populate: true }) faults every page in, and copies none', (heap) => {
    const buffer = heap.allocate(MiB);
    const reader = buffer.vmap({ readOnly: true, populate: true });
    // The kernel shows no page-table entries of a dma-buf whose pages it maps all at once
    // (remap_pfn_range).
    if (subject.lacks.privateViews === undefined) assert.ok(present(reader, heap.pageSize).every(Boolean));
    buffer.accessSync('write', (bytes) => bytes.fill(3));
    assert.ok(reader.bytes.every((byte) => byte === 3));
    reader.close();
    buffer.close();
  });

  heapTest(subject, 'the last close of a read-only view unmaps it, and no other window', (heap) => {
    const buffer = heap.allocate(MiB);
    const writer = buffer.vmap();
    writer.bytes.fill(5);
    const mappingCount = heap.stats().mappingCount;
    const [first, second] = [buffer.vmap({ readOnly: true }), buffer.vmap({ readOnly: true })];
    const { bytes } = first;
    first.close();
    assert.equal(bytes[0], 5, 'the second handle holds the window');
    second.close();
    assert.deepEqual([bytes[0], writer.bytes[0]], [0, 5]);
    assert.equal(heap.stats().mappingCount, mappingCount);
    bytes.fill(6);
    assert.equal(writer.bytes[0], 5, 'what is written into a stale view reaches nobody');
    writer.close();
    buffer.close();
    assert.deepEqual([heap.stats().usedBytes, heap.stats().mappingCount], [0, 0]);
  });

  heapTest(subject, 'close() of a buffer keeps the memory until its read-only view is closed', (heap) => {
    const buffer = heap.allocate(MiB);
    const reader = buffer.vmap({ readOnly: true });
    buffer.accessSync('write', (bytes) => bytes.fill(4));
    buffer.close();
    assert.deepEqual([reader.bytes[1], heap.stats().usedBytes], [4, MiB]);
    reader.close();
    assert.equal(heap.stats().usedBytes, 0);
  });

  heapTest(
    subject,
    'a buffer that is collected with two windows gives its memory back',
    async (heap) => {
      dropBufferWithTwoWindows(heap);
      assert.ok(await collectGarbageUntil(() => heap.stats().usedBytes === 0));
      assert.deepEqual([heap.stats().mappingCount, heap.stats().pendingReleaseCount], [0, 0]);
    },
    ['collection'],
  );
}

function testReadOnlyImport(subject: HeapUnderTest): void {
  heapTest(
    subject,
    "importBuffer(fd, { mode: 'read' }) gives a buffer that is only read",
    async (heap) => {
      const buffer = heap.allocate(MiB, { shareable: true });
      const imported = importToRead(buffer);
      assert.deepEqual([imported.readOnly, imported.length], [true, MiB]);
      buffer.accessSync('write', (bytes) => bytes.fill(8));
      assert.equal(await imported.access('read', (bytes) => bytes.every((byte) => byte === 8)), true);
      const view = imported.vmap({ populate: true });
      assert.deepEqual([view.readOnly, view.bytes[UNTOUCHED]], [true, 8]);
      view.close();
      for (const mode of ['write', 'readwrite'] as const) {
        await assert.rejects(
          imported.access(mode, () => assert.fail('no body runs')),
          isRefused,
        );
        assert.throws(
          () => imported.accessSync(mode, () => assert.fail('no body runs')),
          (error) => isRefused(error) && /importBuffer|mode: 'readwrite'/u.test((error as Error).message),
        );
        await assert.rejects(imported.beginCpuAccess(mode), isRefused);
        assert.throws(() => imported.beginCpuAccessSync(mode), isRefused);
      }
      assert.throws(() => imported.vmap({ readOnly: false }), isRefused);
      imported.close();
      buffer.close();
    },
    ['export'],
  );

  heapTest(
    subject,
    'a read-only buffer takes fences of readers, and none of those who write',
    (heap) => {
      const buffer = heap.allocate(MiB, { shareable: true });
      const imported = importToRead(buffer);
      const fence = new Fence();
      for (const usage of ['write', 'kernel'] as const) assert.throws(() => imported.addFence(fence, usage), isRefused);
      for (const usage of ['read', 'bookkeep'] as const) imported.addFence(fence, usage);
      assert.equal(imported.fences('bookkeep').length, 2);
      fence.signal();
      imported.close();
      buffer.close();
    },
    ['export'],
  );

  heapTest(
    subject,
    'a read-only buffer is read-only for other threads as well',
    (heap) => {
      const buffer = heap.allocate(MiB, { shareable: true });
      const imported = importToRead(buffer);
      const shared = openHandle(imported.toHandle());
      buffer.accessSync('write', (bytes) => bytes.fill(2));
      assert.equal(shared.readOnly, true);
      assert.equal(
        shared.accessSync('read', (bytes) => bytes[0]),
        2,
      );
      assert.throws(() => shared.accessSync('write', () => {}), isRefused);
      const view = shared.vmap();
      assert.equal(view.readOnly, true);
      view.close();
      shared.close();
      const writable = openHandle(buffer.toHandle());
      assert.equal(writable.readOnly, false);
      writable.close();
      imported.close();
      buffer.close();
    },
    ['export'],
  );

  heapTest(
    subject,
    'a read-only buffer in a wasm space shows what is written',
    (heap) => {
      const buffer = heap.allocate(MiB, { shareable: true });
      const imported = importToRead(buffer);
      const space = createWasmSpace({ length: MiB });
      const mapping = space.map(imported, { populate: true });
      buffer.accessSync('write', (bytes) => bytes.fill(2));
      assert.equal(new Uint8Array(space.memory.buffer)[mapping.offset + UNTOUCHED], 2);
      mapping.close();
      imported.close();
      buffer.close();
    },
    ['export'],
  );
}

function testReadOnlySharing(subject: HeapUnderTest): void {
  heapTest(
    subject,
    "allocate(…, { shareable: 'read-only' }) gives a buffer that its owner writes to, whenever it is mapped",
    (heap) => {
      const buffer = heap.allocate(MiB, { shareable: 'read-only', name: 'sealed' });
      assert.deepEqual([buffer.readOnly, buffer.exporter, buffer.deviceImportable], [false, 'memfd', false]);
      for (const byte of [1, 2, 3]) buffer.accessSync('write', (bytes) => bytes.fill(byte));
      const view = buffer.vmap({ populate: true });
      const reader = buffer.vmap({ readOnly: true, populate: true });
      view.bytes.fill(4);
      assert.ok(reader.bytes.every((byte) => byte === 4));
      const space = createWasmSpace({ length: MiB });
      const mapping = space.map(buffer, { populate: true });
      new Uint8Array(space.memory.buffer)[mapping.offset + UNTOUCHED] = 5;
      assert.equal(view.bytes[UNTOUCHED], 5);
      mapping.close();
      for (const each of [view, reader]) each.close();
      buffer.close();
      assert.deepEqual([heap.stats().usedBytes, heap.stats().mappingCount], [0, 0]);
    },
    ['readOnlySharing'],
  );

  heapTest(
    subject,
    "importBuffer() of what { shareable: 'read-only' } gave is refused unless it is to be read",
    (heap) => {
      const buffer = heap.allocate(MiB, { shareable: 'read-only' });
      const fd = buffer.exportFd();
      assert.throws(
        () => importBuffer(fd),
        (error) => isRefused(error) && (error as Error).message.includes("{ mode: 'read' }"),
      );
      const imported = importBuffer(fd, { mode: 'read' });
      fd.close();
      buffer.accessSync('write', (bytes) => bytes.fill(6));
      const view = imported.vmap();
      view.bytes[STORED] = 1;
      assert.deepEqual([view.bytes[STORED], view.bytes[UNTOUCHED]], [1, 6]);
      assert.ok(buffer.accessSync('read', (bytes) => bytes.every((byte) => byte === 6)));
      view.close();
      for (const each of [imported, buffer]) each.close();
    },
    ['readOnlySharing'],
  );

  heapTest(
    subject,
    "a buffer of { shareable: 'read-only' } that is collected gives its memory back",
    async (heap) => {
      dropSealedBuffer(heap);
      assert.ok(await collectGarbageUntil(() => heap.stats().usedBytes === 0));
      assert.deepEqual([heap.stats().mappingCount, heap.stats().pendingReleaseCount], [0, 0]);
    },
    ['readOnlySharing', 'collection'],
  );

  if (subject.lacks.readOnlySharing !== undefined) {
    heapTest(subject, "allocate(…, { shareable: 'read-only' }) is refused where every buffer is a dma-buf", (heap) => {
      assert.throws(
        () => heap.allocate(MiB, { shareable: 'read-only' }),
        (error) => isDmaBufError(error, 'EOPNOTSUPP') && /backends: \['embedded'\]/u.test((error as Error).message),
      );
      assert.equal(heap.stats().usedBytes, 0);
    });
  }

  heapTest(subject, 'allocate() refuses another way of sharing', (heap) => {
    for (const wrong of ['readonly', 'yes', 1, null] as unknown[])
      assert.throws(() => heap.allocate(MiB, { shareable: wrong as boolean }), TypeError);
  });
}

export function testReadOnly(subject: HeapUnderTest): void {
  testReadOnlyViews(subject);
  testReadOnlyImport(subject);
  testReadOnlySharing(subject);
}
