/** The bugs of drivers that options name: each does exactly what it is known for, and no more. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { DmaBufError, isDmaBufError } from '../../src/base/errors.ts';
import { KiB, MiB } from '../../src/base/sizes.ts';
import type { DmaBuf } from '../../src/index.ts';
import { clearAmdxdnaBuffer } from '../../src/workload/consumers/amdxdna.ts';
import { ApusysSession } from '../../src/workload/consumers/apusys-map.ts';
import { EtnavivPrimeObject } from '../../src/workload/consumers/etnaviv-prime.ts';
import { IntelIpuPsys } from '../../src/workload/consumers/intel-ipu-psys.ts';
import { MtkAov } from '../../src/workload/consumers/mtk-aov.ts';
import { MtkCamera } from '../../src/workload/consumers/mtk-camera.ts';
import { MtkVcodec } from '../../src/workload/consumers/mtk-vcodec.ts';
import { retireTaskOfPva } from '../../src/workload/consumers/nvidia-pva.ts';
import { RknpuMemory } from '../../src/workload/consumers/rknpu.ts';
import { SamsungCaptureMeta } from '../../src/workload/consumers/samsung-capture-meta.ts';
import { vb2DmaContig } from '../../src/workload/consumers/vb2-dma-contig.ts';
import { Vb2Queue } from '../../src/workload/consumers/vb2-queue.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import type { KernelFunction } from '../../src/workload/kernel/kernel-functions.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

function heapFor(t: TestContext): EmbeddedHeap {
  const heap = openEmbeddedHeap({ capacity: 64 * MiB });
  t.after(() => heap.close());
  return heap;
}

function bufferFor(t: TestContext, length: number = 64 * KiB): DmaBuf {
  const buffer = heapFor(t).allocate(length);
  t.after(() => buffer.close());
  return buffer;
}

/** No two of its 16 pages lie together. */
function scatteredBufferFor(t: TestContext): DmaBuf {
  const heap = openEmbeddedHeap({
    capacity: 64 * MiB,
    fragmentation: { mix: 'single-pages', length: 64 * KiB },
  });
  t.after(() => heap.close());
  const buffer = heap.allocate(64 * KiB);
  t.after(() => buffer.close());
  return buffer;
}

/** Counts mappings; makes every call of one function fail. */
function kernelFor(failing?: KernelFunction): { kernel: KernelFunctions; mappings: () => number } {
  let count = 0;
  const kernel = new KernelFunctions({
    onRecord: ({ kind }) => void (kind === 'mapping' && (count += 1)),
    beforeCall: (name) => {
      if (name === failing) throw new DmaBufError('as this test wants', { code: 'ENOMEM', syscall: name });
    },
  });
  return { kernel, mappings: () => count };
}

test('etnaviv that maps under its own lock alone misses the reservation lock', async (t) => {
  const buffer = bufferFor(t);
  const { kernel } = kernelFor();
  const object = await EtnavivPrimeObject.import(kernel, buffer, { mapsWithoutReservation: true });
  await object.vmap();
  assert.equal(kernel.unlockedCallCount, 1);
  await object.free();
  assert.equal(kernel.mapCount(buffer), 0);
});

test('amdxdna of 2025 maps without the reservation lock, and at first hid that it could not clear', async (t) => {
  const buffer = bufferFor(t);
  const { kernel } = kernelFor();
  await clearAmdxdnaBuffer(kernel, buffer, { mapsWithoutReservation: true });
  assert.equal(kernel.unlockedCallCount, 2);
  const { kernel: failing } = kernelFor('vmap');
  await assert.rejects(clearAmdxdnaBuffer(failing, buffer), (error) => isDmaBufError(error, 'ENOMEM'));
  await clearAmdxdnaBuffer(failing, buffer, { ignoresFailure: true });
});

test('mtk-aov leaks its buffer where it cannot be mapped; fixed, it does not', async (t) => {
  for (const leaksOnFailure of [false, true]) {
    const heap = heapFor(t);
    const leaked: DmaBuf[] = [];
    const { kernel } = kernelFor('vmap');
    const allocate = kernel.allocate.bind(kernel);
    kernel.allocate = (...args): DmaBuf => {
      const buffer = allocate(...args);
      leaked.push(buffer);
      return buffer;
    };
    await assert.rejects(MtkAov.start(kernel, heap, { leaksOnFailure }), (error) => isDmaBufError(error, 'ENOMEM'));
    assert.equal(heap.stats().bufferCount, leaksOnFailure ? 1 : 0);
    for (const buffer of leaked) buffer.close();
  }
});

test('mtk-camera maps a plain image before it looks at its format, and uses nothing of it', async (t) => {
  const buffer = bufferFor(t);
  for (const [mapsBeforeFormatTest, count] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const { kernel, mappings } = kernelFor();
    const camera = new MtkCamera(kernel, { slotCount: 1, mapsBeforeFormatTest });
    await camera.request([{ node: 'main', kind: 'image', slot: 0, buffer }], 1);
    assert.equal(mappings(), count);
    await camera.stop();
    assert.equal(kernel.mapCount(buffer), 0);
  }
});

test('mtk-camera goes on where a plain image cannot be mapped', async (t) => {
  const buffer = bufferFor(t);
  const { kernel } = kernelFor('vmap');
  const camera = new MtkCamera(kernel, { slotCount: 1, mapsBeforeFormatTest: true });
  await camera.request([{ node: 'main', kind: 'image', slot: 0, buffer }], 1);
  await camera.stop();
});

test('apusys-map maps buffers of unknown kinds whole, and undoes that where attaching fails', async (t) => {
  const buffer = bufferFor(t);
  const { kernel, mappings } = kernelFor();
  const session = new ApusysSession(kernel, { mapsUnknownBuffers: true });
  await session.map(buffer);
  assert.deepEqual([mappings(), kernel.mapCount(buffer)], [1, 1]);
  await session.close();
  assert.equal(kernel.mapCount(buffer), 0);
  for (const failing of ['dma_buf_attach', 'dma_buf_map_attachment'] as const) {
    const { kernel: refusing } = kernelFor(failing);
    await assert.rejects(new ApusysSession(refusing, { mapsUnknownBuffers: true }).map(buffer));
    assert.equal(refusing.mapCount(buffer), 0);
  }
});

test('mtk-vcodec maps every plane of a picture', async (t) => {
  const planes = [bufferFor(t), bufferFor(t), bufferFor(t)];
  const { kernel, mappings } = kernelFor();
  const decoder = new MtkVcodec(kernel, { slotCount: 1, mapsEveryPlane: true });
  await decoder.queuePicture(0, planes);
  assert.equal(mappings(), 3);
  await decoder.stop();
});

test('samsung-capture-meta maps for each request', async (t) => {
  const buffer = bufferFor(t);
  const { kernel, mappings } = kernelFor();
  const control = new SamsungCaptureMeta(kernel, { mapsPerRequest: true });
  for (let request = 0; request < 5; request += 1) await control.request(buffer, 4);
  assert.deepEqual([mappings(), kernel.mapCount(buffer)], [5, 0]);
  await control.close();
});

test('nvidia-pva leaks one mapping for each aligned fence, and writes nothing', async (t) => {
  const buffer = bufferFor(t);
  const { kernel } = kernelFor();
  const fences = [0, 4, 8].map((offset) => ({ buffer, offset, value: 1 }));
  await retireTaskOfPva(kernel, fences, { leaksAligned: true });
  assert.equal(kernel.mapCount(buffer), 3);
  const unmap = { path: ['nobody'] };
  for (let left = 3; left > 0; left -= 1) await kernel.vunmapUnlocked(buffer, unmap);
  using view = buffer.vmap();
  assert.deepEqual([...view.subarray(0, 12)], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  await assert.rejects(retireTaskOfPva(kernel, [{ buffer, offset: 2, value: 1 }]), (error) =>
    isDmaBufError(error, 'EINVAL'),
  );
  assert.equal(kernel.mapCount(buffer), 0);
});

test('intel-ipu-psys maps imported buffers, and undoes the attachment where it cannot', async (t) => {
  const buffer = bufferFor(t);
  const { kernel, mappings } = kernelFor();
  const system = new IntelIpuPsys(kernel, { mapsImported: true });
  await system.mapBuffer(buffer);
  await system.unmapBuffer(buffer);
  assert.deepEqual([mappings(), kernel.mapCount(buffer)], [1, 0]);
  await assert.rejects(new IntelIpuPsys(kernelFor('vmap').kernel, { mapsImported: true }).mapBuffer(buffer));
});

test('rknpu takes the last entry of a table for the whole, which is right for one entry alone', async (t) => {
  const scattered = scatteredBufferFor(t);
  const { kernel } = kernelFor();
  const wrong = await RknpuMemory.create(kernel, scattered, { mapsLastEntryOnly: true });
  assert.equal(wrong.view.length, 4 * KiB);
  wrong.view.subarray(0, 1).set([1]);
  await wrong.destroy();
  const right = await RknpuMemory.create(kernel, scattered);
  assert.equal(right.view.length, 64 * KiB);
  // What was written at "the beginning" is at the last page's.
  assert.deepEqual([right.view.subarray(0, 1)[0], right.view.subarray(60 * KiB, 1)[0]], [0, 1]);
  await right.destroy();
});

test('vb2-dma-contig without an IOMMU refuses scattered pages, and tells NULL where it cannot map', async (t) => {
  const scattered = scatteredBufferFor(t);
  const { kernel } = kernelFor();
  const bare = new Vb2Queue(vb2DmaContig(kernel, 'coda', { hasIommu: false }), 1);
  await assert.rejects(bare.queue(0, [scattered]), (error) => isDmaBufError(error, 'EFAULT'));
  await bare.release();
  const queue = new Vb2Queue(vb2DmaContig(kernelFor('vmalloc').kernel, 'coda'), 1);
  await queue.queue(0, [scattered]);
  assert.equal(await queue.planeVaddr(0, 0, { path: ['read_header'] }), undefined);
  await queue.release();
});
