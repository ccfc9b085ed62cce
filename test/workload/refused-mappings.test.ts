/** What each driver makes of a mapping that is refused, by its source: literals. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { DmaBufError, isDmaBufError } from '../../src/base/errors.ts';
import { KiB, MiB } from '../../src/base/sizes.ts';
import type { DmaBuf } from '../../src/index.ts';
import { ApusysSession } from '../../src/workload/consumers/apusys-map.ts';
import { EtnavivPrimeObject } from '../../src/workload/consumers/etnaviv-prime.ts';
import { MtkCamera } from '../../src/workload/consumers/mtk-camera.ts';
import { vb2DmaContig } from '../../src/workload/consumers/vb2-dma-contig.ts';
import { vb2DmaSg } from '../../src/workload/consumers/vb2-dma-sg.ts';
import { Vb2Queue } from '../../src/workload/consumers/vb2-queue.ts';
import { vb2Vmalloc } from '../../src/workload/consumers/vb2-vmalloc.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import type { KernelFunction } from '../../src/workload/kernel/kernel-functions.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

/** No memory for the array of pages; no address space for the mapping. */
const MAPPING_STEPS = ['vmalloc', 'vmap'] as const;

/** A buffer of a heap that has no other, and the kernel's functions, one of which fails. */
function worldOf(t: TestContext, failing: KernelFunction): { buffer: DmaBuf; kernel: KernelFunctions } {
  const heap = openEmbeddedHeap({ capacity: MiB });
  const buffer = heap.allocate(64 * KiB);
  t.after(() => {
    buffer.close();
    // An attachment or a mapping would keep it.
    assert.equal(heap.stats().bufferCount, 0);
    heap.close();
  });
  const kernel = new KernelFunctions({
    beforeCall: (name) => {
      if (name === failing) throw new DmaBufError('as this test wants', { code: 'ENOMEM', syscall: name });
    },
  });
  return { buffer, kernel };
}

for (const failing of MAPPING_STEPS) {
  test(`vb2-vmalloc refuses to queue with EFAULT where ${failing} fails, and its slot is empty`, async (t) => {
    const { buffer, kernel } = worldOf(t, failing);
    const queue = new Vb2Queue(vb2Vmalloc(kernel, 'vivid'), 1);
    await assert.rejects(queue.queue(0, [buffer]), (error) => isDmaBufError(error, 'EFAULT'));
    assert.equal(await queue.planeVaddr(0, 0, { path: ['fill'] }), undefined);
    assert.equal(kernel.mapCount(buffer), 0);
    await queue.release();
  });

  test(`vb2-dma-contig and vb2-dma-sg queue a buffer, and give NULL where ${failing} fails`, async (t) => {
    const { buffer, kernel } = worldOf(t, failing);
    for (const memory of [vb2DmaContig(kernel, 'hantro'), vb2DmaSg(kernel, 'ipu3')]) {
      const queue = new Vb2Queue(memory, 1);
      await queue.queue(0, [buffer]);
      assert.equal(await queue.planeVaddr(0, 0, { path: ['read_header'] }), undefined);
      assert.equal(kernel.mapCount(buffer), 0);
      await queue.release();
    }
  });

  test(`mtk-camera fails a request with EINVAL where ${failing} of what it writes to fails`, async (t) => {
    const { buffer, kernel } = worldOf(t, failing);
    for (const kind of ['meta-config', 'meta-statistics', 'compressed-image'] as const) {
      const camera = new MtkCamera(kernel, { slotCount: 1 });
      const request = camera.request([{ node: 'node', kind, slot: 0, buffer }], 1);
      await assert.rejects(request, (error) => isDmaBufError(error, 'EINVAL'));
      await camera.stop();
      assert.equal(kernel.mapCount(buffer), 0);
    }
  });

  test(`etnaviv-prime gives NULL where ${failing} fails, as often as it is asked`, async (t) => {
    const { buffer, kernel } = worldOf(t, failing);
    const object = await EtnavivPrimeObject.import(kernel, buffer);
    assert.deepEqual([await object.vmap(), await object.vmap()], [undefined, undefined]);
    assert.equal(kernel.mapCount(buffer), 0);
    await object.free();
  });
}

for (const failing of [...MAPPING_STEPS, 'dma_buf_attach', 'dma_buf_map_attachment'] as const)
  test(`apusys-map unwinds all where ${failing} fails, and passes the error on`, async (t) => {
    const { buffer, kernel } = worldOf(t, failing);
    const session = new ApusysSession(kernel, { mapsUnknownBuffers: true });
    await assert.rejects(session.map(buffer), (error) => isDmaBufError(error, 'ENOMEM'));
    assert.equal(kernel.mapCount(buffer), 0);
  });
