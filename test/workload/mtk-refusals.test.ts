/** What drivers of MediaTek's processors leave behind where a call is refused, by their sources. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { DmaBufError, isDmaBufError } from '../../src/base/errors.ts';
import { KiB, MiB } from '../../src/base/sizes.ts';
import type { DmaBuf, Heap } from '../../src/index.ts';
import { MtkAov } from '../../src/workload/consumers/mtk-aov.ts';
import { MtkScp } from '../../src/workload/consumers/mtk-scp.ts';
import { MtkVcp } from '../../src/workload/consumers/mtk-vcp.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import type { KernelFunction } from '../../src/workload/kernel/kernel-functions.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

/** One function of the kernel fails, and the buffers that were allocated are told. */
class RefusingKernel extends KernelFunctions {
  readonly allocated: DmaBuf[] = [];

  constructor(failing: KernelFunction) {
    super({
      beforeCall: (name) => {
        if (name === failing) throw new DmaBufError('as this test wants', { code: 'ENOMEM', syscall: name });
      },
    });
  }

  override allocate(heap: Heap, length: number, name: string): DmaBuf {
    const buffer = super.allocate(heap, length, name);
    this.allocated.push(buffer);
    return buffer;
  }
}

/** A heap that is empty in the end. */
function heapFor(t: TestContext): EmbeddedHeap {
  const heap = openEmbeddedHeap({ capacity: 32 * MiB });
  t.after(() => {
    assert.equal(heap.stats().bufferCount, 0);
    heap.close();
  });
  return heap;
}

const isRefusal = (error: unknown): boolean => isDmaBufError(error, 'ENOMEM');

const registeredWith = ({ receiverCount, notifierCount }: MtkScp): number[] => [receiverCount, notifierCount];

test('mtk-aov is told of restarts while it runs, answers each with a command, and then no more', async (t) => {
  const scp = new MtkScp();
  const vision = await MtkAov.start(new KernelFunctions(), heapFor(t), { scp });
  assert.deepEqual(registeredWith(scp), [1, 1]);
  scp.restart();
  scp.restart();
  assert.equal(scp.commandCount, 2);
  await vision.stop();
  assert.deepEqual(registeredWith(scp), [0, 0]);
  scp.restart();
  assert.equal(scp.commandCount, 2);
});

for (const failing of ['vmalloc', 'vmap'] as const) {
  test(`mtk-aov leaves its buffer, receiver and notifier where ${failing} fails: it answers restarts on`, async (t) => {
    const heap = heapFor(t);
    const kernel = new RefusingKernel(failing);
    const scp = new MtkScp();
    await assert.rejects(MtkAov.start(kernel, heap, { scp, leaksOnFailure: true }), isRefusal);
    assert.deepEqual(registeredWith(scp), [1, 1]);
    assert.equal(heap.stats().bufferCount, 1);
    scp.restart();
    assert.equal(scp.commandCount, 1);
    for (const buffer of kernel.allocated) buffer.close();
  });

  test(`mtk-vcp leaves its buffer where ${failing} fails`, async (t) => {
    const heap = heapFor(t);
    const kernel = new RefusingKernel(failing);
    const started = MtkVcp.start(kernel, { heap, lengthBytes: 64 * KiB }, { leaksOnFailure: true });
    await assert.rejects(started, isRefusal);
    assert.equal(heap.stats().bufferCount, 1);
    const [buffer] = kernel.allocated;
    assert.ok(buffer !== undefined);
    assert.deepEqual([buffer.closed, kernel.mapCount(buffer)], [false, 0]);
    buffer.close();
  });
}

test('mtk-aov leaves its receiver and notifier where it has no memory', async (t) => {
  const scp = new MtkScp();
  const kernel = new RefusingKernel('dma_heap_buffer_alloc');
  await assert.rejects(MtkAov.start(kernel, heapFor(t), { scp, leaksOnFailure: true }), isRefusal);
  assert.deepEqual(registeredWith(scp), [1, 1]);
});

for (const failing of ['dma_buf_attach', 'dma_buf_map_attachment'] as const)
  test(`mtk-vcp gives its buffer back while it is mapped where ${failing} fails`, async (t) => {
    const heap = heapFor(t);
    const kernel = new RefusingKernel(failing);
    const started = MtkVcp.start(kernel, { heap, lengthBytes: 64 * KiB }, { leaksOnFailure: true });
    await assert.rejects(started, isRefusal);
    const [buffer] = kernel.allocated;
    assert.ok(buffer !== undefined);
    assert.deepEqual([buffer.closed, kernel.mapCount(buffer), heap.stats().bufferCount], [true, 1, 1]);
    await kernel.vunmapUnlocked(buffer, { path: ['nobody'] });
  });

for (const failing of ['dma_heap_buffer_alloc', 'vmalloc', 'vmap', 'dma_buf_attach', 'dma_buf_map_attachment'] as const)
  test(`mtk-aov and mtk-vcp, mended, leave nothing where ${failing} fails`, async (t) => {
    const heap = heapFor(t);
    const kernel = new RefusingKernel(failing);
    const scp = new MtkScp();
    const isAttached = failing.startsWith('dma_buf_');
    const vision = MtkAov.start(kernel, heap, { scp });
    // It attaches nothing.
    if (isAttached) await (await vision).stop();
    else await assert.rejects(vision, isRefusal);
    assert.deepEqual(registeredWith(scp), [0, 0]);
    await assert.rejects(MtkVcp.start(kernel, { heap, lengthBytes: 64 * KiB }), isRefusal);
    assert.deepEqual(
      kernel.allocated.map((buffer) => [buffer.closed, kernel.mapCount(buffer)]),
      kernel.allocated.map(() => [true, 0]),
    );
    assert.equal(heap.stats().bufferCount, 0);
  });
