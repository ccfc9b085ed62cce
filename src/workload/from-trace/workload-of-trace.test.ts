import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GiB, KiB, MiB } from '../../base/sizes.ts';
import type { MappingEvent } from '../../trace/mapping-event.ts';
import { pictureSizeOf } from './picture-size.ts';
import { TraceWorkload } from './workload-of-trace.ts';
import type { WorkloadOfTrace } from './workload-of-trace.ts';

type Facts = Partial<MappingEvent> & Pick<MappingEvent, 'path'>;

const SHMEM = ['dma_buf_vmap', 'drm_gem_shmem_vmap_locked', 'drm_gem_vmap_locked'];
const CAMERA = ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'mtk_cam_vb2_vaddr.cfi_jt', 'vb2_plane_vaddr'];

async function workloadOf(events: readonly Facts[]): Promise<WorkloadOfTrace> {
  const trace = await TraceWorkload.open();
  for (const [index, event] of events.entries())
    trace.add({ kind: 'mapping', form: 'event', line: index + 1, ...event });
  return trace.finish({ name: 'mine', basis: 'a test' });
}

test('a helper that drivers share is told by its subsystem, whatever its function is called', async () => {
  const { workload } = await workloadOf([
    { path: SHMEM, driver: 'udl', sizeBytes: 3_145_728, buffer: 'a', time: 1 },
    { path: SHMEM, driver: 'udl', sizeBytes: 3_145_728, buffer: 'a', time: 1.02 },
    { path: SHMEM, driver: 'udl', sizeBytes: 3_145_728, buffer: 'b', time: 1.04 },
  ]);
  assert.deepEqual(workload?.loads, [
    {
      consumer: 'drm-gem-shmem',
      driver: 'udl',
      width: 1024,
      height: 768,
      bytesPerPixel: 4,
      bufferCount: 2,
      stepsPerSecond: 50,
    },
  ]);
});

test('a driver that shares its first function with a consumer, and no other, is left out by name', async () => {
  const { workload, notes, unknownCallers } = await workloadOf([
    { path: ['dma_buf_vmap', 'vb2_dc_vaddr', 'vb2_plane_vaddr', 'hantro_prepare_run'] },
    { path: ['dma_buf_vmap', 'my_driver_map'], count: 3 },
  ]);
  assert.equal(workload, undefined);
  assert.deepEqual(unknownCallers, ['videobuf2 dma-contig', 'my_driver_map']);
  assert.deepEqual(notes, [
    'left out: 1 mapping by videobuf2 dma-contig, which no consumer mirrors',
    'left out: 3 mappings by my_driver_map, which no consumer mirrors',
  ]);
});

test('sizes of a camera become the nodes of a request, several where they come several times', async () => {
  const events = Array.from({ length: 8 }, (_, request) => [
    { path: CAMERA, sizeBytes: 8 * MiB, buffer: `picture-${request % 2}`, time: request / 10 },
    { path: CAMERA, sizeBytes: 64 * KiB, buffer: `left-${request % 2}`, time: request / 10 },
    { path: CAMERA, sizeBytes: 64 * KiB, buffer: `right-${request % 2}`, time: request / 10 },
  ]).flat();
  const { workload, notes } = await workloadOf([
    ...events,
    { path: CAMERA, sizeBytes: 32 * MiB, buffer: 'still', time: 5 },
  ]);
  assert.deepEqual(workload?.loads, [
    {
      consumer: 'mtk-camera',
      nodes: [
        { name: 'node-0', kind: 'image', lengthBytes: 8 * MiB },
        { name: 'node-1', kind: 'meta-statistics', lengthBytes: 64 * KiB },
        { name: 'node-2', kind: 'meta-statistics', lengthBytes: 64 * KiB },
      ],
      bufferCount: 2,
      slots: 'shuffled',
      stepsPerSecond: 10,
    },
  ]);
  assert.ok(
    notes.includes('mtk-camera: left out: 1 mapping of sizes that not every request has (32 MiB)'),
    notes.join('\n'),
  );
});

test('samples are no mappings, refused ones and impossible sizes are left out and told', async () => {
  const path = ['dma_buf_vmap', 'pva_task_write_semaphore'];
  const { workload, notes, mappingCount } = await workloadOf([
    { path, sizeBytes: 64 * KiB, time: 1, marks: ['sample'] },
    { path, sizeBytes: 64 * KiB, time: 1, buffer: 'a', result: -12 },
    { path, sizeBytes: 64 * KiB, time: 1, buffer: 'a' },
    { path, sizeBytes: 64 * KiB, time: 2, buffer: 'a' },
    { path, sizeBytes: 32 * GiB, time: 2 },
    { path, time: 2 },
  ]);
  assert.equal(mappingCount, 5);
  assert.deepEqual(workload?.loads, [
    { consumer: 'nvidia-pva', lengthBytes: 64 * KiB, bufferCount: 1, fenceCount: 1, stepsPerSecond: 1 },
  ]);
  assert.deepEqual(notes, [
    'nvidia-pva: left out: 1 mapping whose size is not known',
    'nvidia-pva: left out: 1 mapping of sizes that a workload cannot have, or that are more than 16',
    'left out: 1 mapping that was refused',
  ]);
});

test('a picture is that of a screen whose buffer is as long, or rows of whole pages', () => {
  assert.deepEqual(pictureSizeOf(1920 * 1080 * 4), { width: 1920, height: 1080, bytesPerPixel: 4 });
  // 1366 by 768 by 4 ends within a page.
  assert.deepEqual(pictureSizeOf(4_198_400), { width: 1366, height: 768, bytesPerPixel: 4 });
  assert.deepEqual(pictureSizeOf(1280 * 720 * 2), { width: 1280, height: 720, bytesPerPixel: 2 });
  assert.deepEqual(pictureSizeOf(12 * KiB), { width: 1024, height: 3, bytesPerPixel: 4 });
  // 262,144 pages in at most 10,000 rows: 27 pages each.
  assert.deepEqual(pictureSizeOf(GiB), { width: 6912, height: 9710, bytesPerPixel: 16 });
  assert.deepEqual(pictureSizeOf(8 * GiB), { width: 9984, height: 10_000, bytesPerPixel: 16 });
});
