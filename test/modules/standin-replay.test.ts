/** The kernel module dmabuf_standin, and replays of the drivers that it stands in for. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { openHeap } from '../../src/index.ts';
import { ApusysPool } from '../../src/workload/consumers/apusys-pool.ts';
import { MtkAov } from '../../src/workload/consumers/mtk-aov.ts';
import { MtkCamera } from '../../src/workload/consumers/mtk-camera.ts';
import type { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import { recordCalls, replayCalls } from '../support/devices/mapping-calls.ts';
import type { MappingCall } from '../support/devices/mapping-calls.ts';
import { loadModule, missingModules, unloadModule } from '../support/devices/own-modules.ts';
import { Standin } from '../support/devices/standin.ts';
import type { StandinCaller } from '../support/devices/standin.ts';

const MODULE = 'dmabuf_standin';
const skip = missingModules();
before(() => {
  if (skip === false) loadModule(MODULE);
});
after(() => {
  if (skip === false) unloadModule(MODULE);
});

/** The driver's whole path, without what tells a stand-in's names from the driver's. */
function driversPath(path: readonly string[]): string {
  const own = path.slice(path.indexOf('dma_buf_vmap_unlocked') + 1);
  // Where the stand-in's device begins. A replay has none.
  const end = own.findIndex((name) => name === 'run_caller' || name === 'standin_ioctl');
  return own
    .slice(0, end === -1 ? own.length : end)
    .map((name) => name.replace(/^(?:standin|mtk)_/u, ''))
    .join(' ');
}

const CAMERA = '+cam_vb2_vaddr vb2_plane_vaddr cam_job_fill_ipi_frame';

/** What the stand-in does with buffers of so many bytes, each once, in order. */
async function recordStandin(caller: StandinCaller, lengths: readonly number[]): Promise<readonly MappingCall[]> {
  return await recordCalls(driversPath, async () => {
    using heap = openHeap('system', { backends: ['kernel'] });
    const buffers = lengths.map((length) => heap.allocate(length));
    const standin = new Standin();
    for (const buffer of buffers) {
      const fd = buffer.exportFd();
      standin.map(caller, fd.borrow());
      fd.close();
    }
    standin.close();
    for (const buffer of buffers) buffer.close();
    // It holds the one of always-on vision until it is unloaded.
    unloadModule(MODULE);
    loadModule(MODULE);
    await Promise.resolve();
  });
}

async function replayCamera(kernel: KernelFunctions, lengths: readonly number[]): Promise<void> {
  using heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const buffers = lengths.map((length) => heap.allocate(length));
  const camera = new MtkCamera(kernel, { slotCount: 1 });
  // One slot: each frame comes in another buffer, and the one before is unmapped.
  for (const [sequence, buffer] of buffers.entries())
    await camera.request([{ node: 'statistics', kind: 'meta-statistics', slot: 0, buffer }], sequence);
  await camera.stop();
  for (const buffer of buffers) buffer.close();
}

test('the stand-in camera and its replay make the same calls in the same order', { skip }, async () => {
  const lengths = [MiB, 64 * 1024, 2 * MiB];
  const recorded = await recordStandin('cam', lengths);
  assert.deepEqual(
    recorded.map(({ call, buffer, sizeBytes }) => [call, buffer, sizeBytes]),
    [
      [CAMERA, 0, 1_048_576],
      ['-', 0, undefined],
      [CAMERA, 1, 65_536],
      ['-', 1, undefined],
      [CAMERA, 2, 2_097_152],
      ['-', 2, undefined],
    ],
  );
  assert.deepEqual(await replayCalls(driversPath, async (kernel) => await replayCamera(kernel, lengths)), recorded);
});

test('the stand-in of always-on vision and its replay map one buffer once', { skip }, async () => {
  const replayed = await replayCalls(driversPath, async (kernel) => {
    using heap = openEmbeddedHeap({ capacity: 64 * MiB });
    const vision = await MtkAov.start(kernel, heap);
    await vision.stop();
  });
  assert.deepEqual(await recordStandin('aov', [11_542_528]), replayed);
});

test('the stand-in NPU and its replay hold a chunk from the start of a session to its end', { skip }, async () => {
  const recorded = await recordStandin('npu', [4 * MiB]);
  assert.deepEqual(
    recorded.map(({ call, sizeBytes }) => [call, sizeBytes]),
    [
      ['+apu_sysmem_alloc mdw_mem_alloc mdw_mem_pool_chunk_add mdw_mem_pool_create mdw_drv_open', 4_194_304],
      ['-', undefined],
    ],
  );
  const replayed = await replayCalls(driversPath, async (kernel) => {
    using heap = openEmbeddedHeap({ capacity: 64 * MiB });
    const pool = await ApusysPool.open(kernel, heap);
    await pool.close();
  });
  // The replay maps the chunk a second time, which only counts: the stand-in leaves that out.
  const [first, second, ...unmapped] = replayed;
  assert.match(second?.call ?? '', /^\+apu_sysmem_map /u);
  assert.deepEqual(recorded, [first, unmapped[0]]);
  assert.deepEqual(unmapped, [recorded[1], recorded[1]]);
});
