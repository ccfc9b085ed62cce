/** Each consumer's life, with what it must call: literals, read from the drivers' sources. */

import assert from 'node:assert/strict';

import { KiB, MiB } from '../../src/base/sizes.ts';
import { AmdxdnaCommandBuffer, clearAmdxdnaBuffer } from '../../src/workload/consumers/amdxdna.ts';
import { ApusysSession } from '../../src/workload/consumers/apusys-map.ts';
import { ApusysPool } from '../../src/workload/consumers/apusys-pool.ts';
import { DrmFbdevConsole } from '../../src/workload/consumers/drm-fbdev.ts';
import { DrmGemDmaObject } from '../../src/workload/consumers/drm-gem-dma.ts';
import { DrmGemShmemScreen } from '../../src/workload/consumers/drm-gem-shmem.ts';
import { EtnavivPrimeObject } from '../../src/workload/consumers/etnaviv-prime.ts';
import { MtkAov } from '../../src/workload/consumers/mtk-aov.ts';
import { MtkCamera } from '../../src/workload/consumers/mtk-camera.ts';
import type { MtkCameraBuffer } from '../../src/workload/consumers/mtk-camera.ts';
import { MtkVcodec } from '../../src/workload/consumers/mtk-vcodec.ts';
import { MtkVcp } from '../../src/workload/consumers/mtk-vcp.ts';
import { submitToTegra } from '../../src/workload/consumers/tegra.ts';
import { vb2DmaContig } from '../../src/workload/consumers/vb2-dma-contig.ts';
import { vb2DmaSg } from '../../src/workload/consumers/vb2-dma-sg.ts';
import { Vb2Queue } from '../../src/workload/consumers/vb2-queue.ts';
import type { AttachVb2Memory } from '../../src/workload/consumers/vb2-queue.ts';
import { vb2Vmalloc } from '../../src/workload/consumers/vb2-vmalloc.ts';
import { blitByVmwgfx } from '../../src/workload/consumers/vmwgfx-blit.ts';
import { VmwgfxGemObject } from '../../src/workload/consumers/vmwgfx-gem.ts';
import type { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import { FRAME_BYTES, bytesOf, fill } from './consumer-case.ts';
import type { CaseWorld, ConsumerCase } from './consumer-case.ts';
import { VENDOR_CONSUMER_CASES } from './vendor-consumer-cases.ts';

const LAYOUT = { strideBytes: 256, bytesPerPixel: 4 };
/** The second quarter of rows 1 and 2. */
const DAMAGE = { x: 16, y: 1, width: 16, height: 2 };
const times = (count: number, name: string): string[] => Array.from({ length: count }, () => name);

/** Two buffers in one slot, then the second in another: three times something new in a slot. */
function slotLife(attach: (kernel: KernelFunctions) => AttachVb2Memory) {
  return async ({ kernel, buffers: [first, second] }: CaseWorld): Promise<void> => {
    assert.ok(first !== undefined && second !== undefined);
    const queue = new Vb2Queue(attach(kernel), 2);
    const site = { path: ['read_header'] };
    try {
      await queue.queue(0, [first]);
      await queue.planeVaddr(0, 0, site);
      await queue.planeVaddr(0, 0, site);
      await queue.queue(0, [first]);
      await queue.queue(0, [second]);
      await queue.queue(1, [second]);
      const view = await queue.planeVaddr(1, 0, site);
      view?.subarray(0, 4).set([1, 2, 3, 4]);
      if (view !== undefined) assert.deepEqual(bytesOf(second, 0, 4), [1, 2, 3, 4]);
      assert.equal(queue.remapCount, 3);
    } finally {
      await queue.release();
    }
  };
}

const SLOT_CALLS = (vaddr: string, unmap: string): string[] => [`+${vaddr}`, `-${unmap}`, `+${vaddr}`, `-${unmap}`];

/** Those of mainline, then those of vendors. */
export const CONSUMER_CASES: readonly ConsumerCase[] = [
  {
    name: 'vb2-vmalloc maps a buffer when it is new in a slot, before anybody asks for its address',
    lengths: [FRAME_BYTES, FRAME_BYTES],
    live: slotLife((kernel) => vb2Vmalloc(kernel, 'vivid')),
    calls: [
      '+vb2_vmalloc_map_dmabuf',
      '-vb2_vmalloc_unmap_dmabuf',
      '+vb2_vmalloc_map_dmabuf',
      '+vb2_vmalloc_map_dmabuf',
      '-vb2_vmalloc_unmap_dmabuf',
      '-vb2_vmalloc_unmap_dmabuf',
    ],
  },
  {
    name: 'vb2-dma-contig maps a buffer at the first vaddr, until its slot gets another',
    lengths: [FRAME_BYTES, FRAME_BYTES],
    live: slotLife((kernel) => vb2DmaContig(kernel, 'hantro')),
    calls: SLOT_CALLS('vb2_dc_vaddr', 'vb2_dc_unmap_dmabuf'),
  },
  {
    name: 'vb2-dma-sg maps a buffer at the first vaddr, until its slot gets another',
    lengths: [FRAME_BYTES, FRAME_BYTES],
    live: slotLife((kernel) => vb2DmaSg(kernel, 'ipu3')),
    calls: SLOT_CALLS('vb2_dma_sg_vaddr', 'vb2_dma_sg_unmap_dmabuf'),
  },
  {
    name: 'drm-gem-shmem maps the framebuffer once a commit, and reads what was damaged',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [framebuffer] }) => {
      assert.ok(framebuffer !== undefined);
      fill(framebuffer, (index) => index & 0xff);
      const screen = new DrmGemShmemScreen(kernel, 'cirrus');
      const row = Array.from({ length: 64 }, (_, index) => 64 + index);
      try {
        for (let commit = 0; commit < 2; commit += 1)
          assert.deepEqual([...(await screen.commit(framebuffer, LAYOUT, DAMAGE))], [...row, ...row]);
      } finally {
        await screen.disable();
      }
    },
    calls: ['+drm_gem_shmem_vmap', '+drm_gem_shmem_vmap', '-drm_gem_shmem_vunmap', '-drm_gem_shmem_vunmap'],
  },
  {
    name: 'drm-fbdev maps its own buffer, and never a dma-buf',
    lengths: [],
    live: async ({ kernel, heap }) => {
      const screen = new DrmFbdevConsole(kernel, heap, { strideBytes: 256, height: 16 });
      try {
        screen.fillRectangle({ x: 0, y: 0, width: 256, height: 16 }, 7);
      } finally {
        screen.close();
      }
      await Promise.resolve();
    },
    calls: [],
  },
  {
    name: 'drm-gem-dma maps a buffer as it is imported, until it is freed',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      const object = await DrmGemDmaObject.import(kernel, buffer);
      object.view.subarray(0, 2).set([5, 6]);
      assert.deepEqual(bytesOf(buffer, 0, 2), [5, 6]);
      await object.free();
    },
    calls: ['+drm_gem_dma_prime_import_sg_table_vmap', '-drm_gem_dma_free'],
  },
  {
    name: 'etnaviv-prime maps a buffer at its first use, once for all',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      const object = await EtnavivPrimeObject.import(kernel, buffer);
      const views = await Promise.all([object.vmap(), object.vmap(), object.vmap()]);
      if (!views.includes(undefined)) assert.equal(new Set(views).size, 1);
      await object.free();
    },
    calls: ['+etnaviv_gem_prime_vmap_impl', '-etnaviv_gem_prime_release'],
  },
  {
    name: 'vmwgfx-blit maps source and target, copies, and unmaps both',
    lengths: [FRAME_BYTES, FRAME_BYTES],
    live: async ({ kernel, buffers: [source, target] }) => {
      assert.ok(source !== undefined && target !== undefined);
      fill(source, (index) => index & 0xff);
      await blitByVmwgfx(kernel, { source, target }, { layout: LAYOUT, rectangle: DAMAGE });
      const row = bytesOf(target, 256, 256);
      assert.deepEqual([row[63], row[64], row[127], row[128]], [0, 64, 127, 0]);
    },
    calls: ['+map_external', '+map_external', '-unmap_external', '-unmap_external'],
  },
  {
    name: 'vmwgfx-gem maps as long as its caller wants',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      const object = new VmwgfxGemObject(kernel, buffer);
      await object.vmap();
      await object.vunmap();
    },
    calls: ['+vmw_gem_vmap', '-vmw_gem_vunmap'],
  },
  {
    name: 'tegra maps a command buffer for one submit',
    lengths: [4 * KiB],
    live: async ({ kernel, buffers: [commands] }) => {
      assert.ok(commands !== undefined);
      await submitToTegra(kernel, commands, new Map([[2, 0x0a0b_0c0d]]));
      assert.deepEqual(bytesOf(commands, 8, 4), [0x0d, 0x0c, 0x0b, 0x0a]);
    },
    calls: ['+tegra_bo_mmap', '-tegra_bo_munmap'],
  },
  {
    name: 'amdxdna maps commands at their first use, and a carve-out to clear it',
    lengths: [4 * KiB, FRAME_BYTES],
    live: async ({ kernel, buffers: [commands, carveOut] }) => {
      assert.ok(commands !== undefined && carveOut !== undefined);
      fill(carveOut, () => 9);
      const object = new AmdxdnaCommandBuffer(kernel, commands);
      try {
        await Promise.all([object.vmap(), object.vmap()]);
        await clearAmdxdnaBuffer(kernel, carveOut);
        assert.deepEqual([...new Set(bytesOf(carveOut, 0, FRAME_BYTES))], [0]);
      } finally {
        await object.free();
      }
    },
    calls: ['+amdxdna_gem_vmap', '+amdxdna_cbuf_clear', '-amdxdna_cbuf_clear', '-amdxdna_gem_obj_free'],
  },
  {
    name: 'mtk-aov maps its buffer once, and copies events out of it',
    lengths: [],
    live: async ({ kernel, heap }) => {
      const vision = await MtkAov.start(kernel, heap);
      // 737312 + 184352 + 32768 + 262144 + 921632 + 161792 + 1024 + 6144 + 1024.
      for (let event = 0; event < 6; event += 1) assert.equal(vision.readEvent(event).length, 2_308_192);
      await vision.stop();
    },
    calls: ['+aov_core_init', '-aov_core_uninit'],
  },
  {
    name: 'mtk-vcp maps its buffer once, and attaches it then',
    lengths: [],
    live: async ({ kernel, heap }) => {
      const processor = await MtkVcp.start(kernel, { heap, lengthBytes: FRAME_BYTES });
      assert.equal(processor.view.length, FRAME_BYTES);
      await processor.stop();
    },
    calls: ['+vcp_alloc_iova', '-vcp_alloc_iova'],
  },
  {
    name: 'mtk-camera maps metadata and compressed images, and writes their headers',
    lengths: [4 * KiB, FRAME_BYTES, FRAME_BYTES, FRAME_BYTES],
    live: async ({ kernel, buffers }) => {
      const camera = new MtkCamera(kernel, { slotCount: 8 });
      const kinds = ['meta-config', 'meta-statistics', 'image', 'compressed-image'] as const;
      const request: MtkCameraBuffer[] = [];
      for (const [index, kind] of kinds.entries()) {
        const buffer = buffers[index];
        assert.ok(buffer !== undefined);
        request.push({ node: kind, kind, slot: 3, buffer });
      }
      try {
        await camera.request(request, 11);
        await camera.request(request, 12);
        // "CKTM", as a little-endian word of 0x4d544b43, and the sequence number.
        const [, statistics, image] = buffers;
        assert.ok(statistics !== undefined && image !== undefined);
        assert.deepEqual(bytesOf(statistics, 0, 8), [0x43, 0x4b, 0x54, 0x4d, 12, 0, 0, 0]);
        assert.deepEqual(bytesOf(image, 0, 8), [0, 0, 0, 0, 0, 0, 0, 0]);
      } finally {
        await camera.stop();
      }
    },
    calls: [...times(3, '+mtk_cam_vb2_vaddr'), ...times(3, '-mtk_cam_vb2_unmap_dmabuf')],
  },
  {
    name: 'apusys-pool maps each chunk twice, and grows by the next power of two',
    lengths: [],
    live: async ({ kernel, heap }) => {
      const pool = await ApusysPool.open(kernel, heap);
      try {
        const small = await pool.allocate(5000);
        small.bytes.fill(3);
        assert.equal(small.bytes.length, 8192);
        await pool.allocate(5 * MiB);
        assert.deepEqual(pool.chunkBytes, [4 * MiB, 8 * MiB]);
        await pool.free(small);
        const again = await pool.allocate(1);
        assert.deepEqual([again.firstPage, again.bytes.length, again.bytes[0]], [small.firstPage, 4096, 0]);
      } finally {
        await pool.close();
      }
    },
    calls: [
      '+apu_sysmem_alloc',
      '+apu_sysmem_map',
      '+apu_sysmem_alloc',
      '+apu_sysmem_map',
      ...times(4, '-apu_sysmem_free'),
    ],
  },
  {
    name: 'apusys-map attaches a buffer of a user, and leaves out the CPU',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      const session = new ApusysSession(kernel);
      try {
        await session.map(buffer);
        await session.map(buffer);
        await session.unmap(buffer);
        await session.unmap(buffer);
        await session.map(buffer);
      } finally {
        await session.close();
      }
    },
    calls: [],
  },
  {
    name: 'mtk-vcodec maps the metadata of a picture alone',
    lengths: [FRAME_BYTES, FRAME_BYTES, 4 * KiB],
    live: async ({ kernel, buffers }) => {
      const decoder = new MtkVcodec(kernel, { slotCount: 4 });
      try {
        const views = await decoder.queuePicture(2, buffers);
        assert.deepEqual(views.slice(0, 2), [undefined, undefined]);
        await decoder.queuePicture(2, buffers);
      } finally {
        await decoder.stop();
      }
    },
    calls: ['+vb2_dc_vaddr', '-vb2_dc_unmap_dmabuf'],
  },
  ...VENDOR_CONSUMER_CASES,
];
