import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { inspect } from 'node:util';

import { MiB, isDmaBufError } from '../../src/index.ts';
import type { DmaBuf, Heap } from '../../src/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { settled } from '../support/runner/settled.ts';
import { collectWarnings, heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

const isClosed = (error: unknown): boolean => isDmaBufError(error, 'ERR_DMABUF_CLOSED');

/** In functions of their own, so that nothing of the test's frame keeps the buffers. */
function dropOpenBuffers(heap: Heap, count: number): void {
  for (let index = 0; index < count; index += 1) heap.allocate(MiB, { name: `lost${index}` });
}

function dropMappedBuffer(heap: Heap): void {
  heap.allocate(MiB).vmap().bytes.fill(1);
}

function dropAttachedBuffer(heap: Heap): void {
  heap.allocate(MiB).attach({ name: 'device' });
}

/** The remains of an unclosed heap: `collected` is called for it. */
function dropHeapWithBuffer(subject: HeapUnderTest, collected: FinalizationRegistry<undefined>): DmaBuf {
  const heap = subject.open();
  collected.register(heap, undefined);
  return heap.allocate(MiB);
}

function openFdCount(): number {
  return readdirSync('/proc/self/fd').length;
}

export function testLifetime(subject: HeapUnderTest): void {
  const warnings = collectWarnings();

  heapTest(subject, 'close() is idempotent, and every later use names what was closed', async (heap) => {
    const buffer = heap.allocate(MiB, { name: 'camera0' });
    buffer.close();
    buffer.close();
    buffer[Symbol.dispose]();
    assert.equal(buffer.closed, true);
    for (const use of [
      () => buffer.vmap(),
      () => buffer.layout(),
      () => buffer.exportFd(),
      () => buffer.toHandle(),
      () => buffer.attach({ name: 'x' }),
      () => buffer.accessSync('read', () => {}),
    ]) {
      assert.throws(use, isClosed);
      assert.throws(use, /buffer "camera0" after it was closed/u);
    }
    await assert.rejects(
      buffer.access('read', () => {}),
      isClosed,
    );
    await assert.rejects(buffer.ready('read'), isClosed);
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(subject, 'close() while mapped keeps the memory until the view is closed', (heap) => {
    const buffer = heap.allocate(MiB);
    const view = buffer.vmap();
    view.bytes[3] = 3;
    buffer.close();
    assert.equal(view.bytes[3], 3);
    assert.equal(heap.stats().usedBytes, MiB);
    const { bytes } = view;
    view.close();
    assert.equal(bytes[3], 0);
    assert.equal(heap.stats().usedBytes, 0);
  });

  heapTest(subject, 'close() while attached keeps the memory until the importer detaches', (heap) => {
    const buffer = heap.allocate(MiB);
    const attachment = buffer.attach({ name: 'npu' });
    buffer.close();
    assert.equal(heap.stats().usedBytes, MiB);
    attachment.detach();
    assert.equal(heap.stats().usedBytes, 0);
  });

  heapTest(subject, 'inspect shows the state and has no side effects', (heap) => {
    const buffer = heap.allocate(MiB, { name: 'camera0' });
    assert.equal(heap.stats().mappingCount, 0);
    assert.match(inspect(buffer), /DmaBuf \{ buffer "camera0", 1 MiB, \w+, open, 0 views, 0 attachments \}/u);
    const view = buffer.vmap();
    assert.match(inspect(view), /BufferView \{ buffer "camera0", 1 MiB, open \}/u);
    view.close();
    buffer.close();
    assert.match(inspect(buffer), /closed/u);
    assert.match(inspect(heap), /Heap \{ "system", \w+, open, 0 buffers \}/u);
  });

  heapTest(
    subject,
    'a buffer that is collected unclosed gives its memory back and warns once',
    async (heap) => {
      warnings.length = 0;
      dropOpenBuffers(heap, 3);
      assert.ok(await collectGarbageUntil(() => heap.stats().leakedCount === 3));
      assert.equal(heap.stats().usedBytes, 0);
      assert.equal(heap.stats().bufferCount, 0);
      // Other warnings may be for buffers that earlier tests have dropped on purpose.
      const [warning, ...more] = warnings.filter(({ message }) => message.includes('"lost'));
      assert.deepEqual(more, []);
      assert.match(
        String(warning?.message),
        /buffer "lost\d" of 1 MiB from heap "system" was collected without having been closed/u,
      );
      assert.equal((warning as NodeJS.ErrnoException).code, 'DMABUF_UNCLOSED');
    },
    ['collection'],
  );

  heapTest(
    subject,
    'a buffer that is collected with its window gives its memory back once V8 has unmapped it',
    async (heap) => {
      dropMappedBuffer(heap);
      assert.ok(await collectGarbageUntil(() => heap.stats().usedBytes === 0));
      assert.deepEqual([heap.stats().mappingCount, heap.stats().pendingReleaseCount], [0, 0]);
      const buffer = heap.allocate(MiB);
      assert.ok(buffer.accessSync('read', (bytes) => bytes.every((byte) => byte === 0)));
      buffer.close();
    },
    ['collection'],
  );

  heapTest(
    subject,
    'a buffer that is collected with its attachment gives its memory back',
    async (heap) => {
      dropAttachedBuffer(heap);
      assert.ok(await collectGarbageUntil(() => heap.stats().usedBytes === 0));
    },
    ['collection'],
  );

  heapTest(
    subject,
    'a heap that is collected unclosed leaves its buffers alone, and nothing once they are closed',
    async () => {
      const before = await settled(openFdCount);
      let isCollected = false;
      const registry = new FinalizationRegistry(() => (isCollected = true));
      const buffer = dropHeapWithBuffer(subject, registry);
      assert.ok(openFdCount() > before);
      assert.ok(await collectGarbageUntil(() => isCollected));
      assert.equal(
        buffer.accessSync('write', (bytes) => bytes.fill(3).every((byte) => byte === 3)),
        true,
      );
      buffer.close();
      assert.ok(await collectGarbageUntil(() => openFdCount() === before));
    },
    ['collection'],
  );

  heapTest(
    subject,
    'exportFd() gives a descriptor of its own, which outlives the buffer',
    (heap) => {
      const buffer = heap.allocate(MiB, { shareable: true });
      const view = buffer.vmap();
      view.bytes[0] = 1;
      const fd = buffer.exportFd();
      const again = buffer.exportFd();
      assert.notEqual(fd.borrow(), again.borrow());
      view.close();
      buffer.close();
      assert.equal(fd.closed, false);
      fd.close();
      fd.close();
      assert.throws(() => fd.borrow(), isClosed);
      again.close();
      assert.equal(heap.stats().usedBytes, 0);
    },
    ['export'],
  );
}
