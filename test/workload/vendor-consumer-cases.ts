/** As consumer-cases.ts, of drivers that are in no mainline kernel. */

import assert from 'node:assert/strict';

import { isDmaBufError } from '../../src/base/errors.ts';
import { KiB } from '../../src/base/sizes.ts';
import { IntelIpuPsys } from '../../src/workload/consumers/intel-ipu-psys.ts';
import { retireTaskOfPva } from '../../src/workload/consumers/nvidia-pva.ts';
import { QualcommCameraBuffer } from '../../src/workload/consumers/qualcomm-camera.ts';
import { SamsungCaptureMeta } from '../../src/workload/consumers/samsung-capture-meta.ts';
import { RknpuMemory } from '../../src/workload/consumers/rknpu.ts';
import { FRAME_BYTES, bytesOf, fill } from './consumer-case.ts';
import type { ConsumerCase } from './consumer-case.ts';

export const VENDOR_CONSUMER_CASES: readonly ConsumerCase[] = [
  {
    name: 'qualcomm-camera maps a buffer once, and keeps it until it is released',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      const packets = new QualcommCameraBuffer(kernel, buffer);
      try {
        assert.equal(await packets.cpuBuffer(), await packets.cpuBuffer());
      } finally {
        await packets.release();
        await packets.release();
      }
    },
    calls: ['+cam_mem_util_map_cpu_va', '-cam_mem_util_unmap_cpu_va'],
  },
  {
    name: 'samsung-capture-meta reads words of a buffer that it keeps mapped',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      fill(buffer, (index) => index & 0xff);
      const control = new SamsungCaptureMeta(kernel);
      try {
        for (let request = 0; request < 3; request += 1)
          assert.deepEqual([...(await control.request(buffer, 2))], [0x0302_0100, 0x0706_0504]);
      } finally {
        await control.close();
      }
    },
    calls: ['+is_vender_cap_meta_read', '-is_vender_cap_meta_read'],
  },
  {
    name: 'nvidia-pva maps the buffer of each fence of a task, and writes one word',
    lengths: [4 * KiB],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      await retireTaskOfPva(kernel, [
        { buffer, offset: 8, value: 0x0102_0304 },
        { buffer, offset: 4092, value: 1 },
      ]);
      assert.deepEqual(bytesOf(buffer, 8, 4), [4, 3, 2, 1]);
      assert.deepEqual(bytesOf(buffer, 4092, 4), [1, 0, 0, 0]);
    },
    calls: [
      '+pva_task_write_semaphore',
      '-pva_task_write_semaphore',
      '+pva_task_write_semaphore',
      '-pva_task_write_semaphore',
    ],
  },
  {
    name: 'intel-ipu-psys maps a buffer for the device alone',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      const system = new IntelIpuPsys(kernel);
      await system.mapBuffer(buffer);
      await system.unmapBuffer(buffer);
    },
    calls: [],
  },
  {
    name: 'rknpu maps the pages of the table by itself, and never by a call of dma-buf',
    lengths: [FRAME_BYTES],
    live: async ({ kernel, buffers: [buffer] }) => {
      assert.ok(buffer !== undefined);
      fill(buffer, (index) => index & 0xff);
      const memory = await RknpuMemory.create(kernel, buffer).catch((error: unknown) => {
        if (buffer.layout().known || !isDmaBufError(error, 'EOPNOTSUPP')) throw error;
        return undefined;
      });
      if (memory === undefined) return;
      try {
        const { length } = buffer;
        assert.equal(memory.view.length, length);
        memory.view.subarray(length - 2, 2).set([7, 8]);
        assert.deepEqual(bytesOf(buffer, length - 3, 3), [(length - 3) & 0xff, 7, 8]);
      } finally {
        await memory.destroy();
      }
    },
    calls: [],
  },
];
