import { KiB, MiB } from '../../base/sizes.ts';
import type { CameraNode } from '../loads/camera-load.ts';
import type { SlotPolicy } from '../loads/load.ts';
import type { PacedLoad, Workload } from '../workload.ts';
import { CONTENTION_RECIPES } from './contention-recipes.ts';

const DERIVED = 'sizes derived from formats, rates as the drivers are used';

/** Of one picture in NV12: a byte for each pixel, and half as much for colours. */
function nv12Bytes(width: number, height: number): number {
  return (width * height * 3) / 2;
}

/** mtk_cam: configuration, two kinds of statistics, a 4K picture, a raw picture of 12.6 MP. */
const PREVIEW_NODES: readonly CameraNode[] = [
  { name: 'meta-config', kind: 'meta-config', lengthBytes: 256 * KiB },
  { name: 'meta-stats-0', kind: 'meta-statistics', lengthBytes: 1.5 * MiB },
  { name: 'meta-stats-1', kind: 'meta-statistics', lengthBytes: 600 * KiB },
  { name: 'yuvo-1', kind: 'image', lengthBytes: nv12Bytes(3840, 2160) },
  { name: 'imgo', kind: 'image', lengthBytes: 15 * MiB },
];

/** The margin of a request before the sensor's next frame. */
const SENSOR_MARGIN_MS = 25;

function preview(slots: SlotPolicy): PacedLoad {
  return {
    consumer: 'mtk-camera',
    nodes: PREVIEW_NODES,
    bufferCount: 8,
    slots,
    stepsPerSecond: 30,
    deadlineMs: SENSOR_MARGIN_MS,
  };
}

/** Which a sensor that is too fast for requests packs into one. */
const FRAMES_PACKED = 8;

function decoder(
  name: string,
  size: string,
  [width, height]: readonly [number, number],
  bufferCount: number,
): Workload {
  return {
    name,
    title: `A decoder of ${size} at 60 pictures a second, with planes of their own and metadata`,
    basis: `mtk-vcodec, vb2ops_vdec_buf_queue; ${DERIVED}`,
    loads: [
      {
        consumer: 'mtk-vcodec',
        planeBytes: [width * height, (width * height) / 2, 64 * KiB],
        bufferCount,
        slots: 'shuffled',
        stepsPerSecond: 60,
      },
    ],
  };
}

function screen(width: number, height: number, damage?: { width: number; height: number }): PacedLoad {
  return {
    consumer: 'drm-gem-shmem',
    driver: 'cirrus',
    width,
    height,
    bytesPerPixel: 4,
    bufferCount: 3,
    stepsPerSecond: 60,
    ...(damage === undefined ? {} : { damage }),
  };
}

/** What is known of who maps dma-bufs, as loads. Each is deterministic in what it does. */
export const RECIPES: readonly Workload[] = [
  {
    name: 'always-on-vision',
    title: 'Always-on vision: 11 MiB mapped once, events copied out five times a second',
    basis: 'mtk-aov-core.h, struct buffer',
    loads: [{ consumer: 'mtk-aov', stepsPerSecond: 5 }],
  },
  {
    name: 'camera-preview',
    title: 'Camera preview, 30 requests a second, each buffer in the slot it always has',
    basis: `mtk_cam-job.c; ${DERIVED}`,
    loads: [preview('kept')],
  },
  {
    name: 'camera-preview-shuffled',
    title: 'Camera preview, 30 requests a second, any buffer in any slot, as Android queues them',
    basis: `mtk_cam-job.c; ${DERIVED}`,
    loads: [preview('shuffled')],
  },
  {
    name: 'slow-motion',
    title: 'Slow motion: 240 frames of 1080p a second, eight in each of 30 requests, any buffer in any slot',
    basis: `mtk_cam-job.c; ${DERIVED}`,
    loads: [
      {
        consumer: 'mtk-camera',
        nodes: [
          { name: 'meta-config', kind: 'meta-config', lengthBytes: 256 * KiB },
          { name: 'yuvo-1', kind: 'image', lengthBytes: FRAMES_PACKED * nv12Bytes(1920, 1080) },
        ],
        bufferCount: 8,
        slots: 'shuffled',
        stepsPerSecond: 30,
        deadlineMs: SENSOR_MARGIN_MS,
      },
    ],
  },
  {
    name: 'npu-sessions',
    title: 'Five sessions of an NPU a second: a chunk of 4 MiB each, and 16 commands',
    basis: 'apusys/midware/3.0, mdw_mem_pool.c',
    loads: [
      {
        consumer: 'apusys-pool',
        commandCount: 16,
        commandBytesMin: 4 * KiB,
        commandBytesMax: 256 * KiB,
        stepsPerSecond: 5,
      },
    ],
  },
  {
    name: 'model-load',
    title: 'Buffers of 32 MiB that an NPU maps and unmaps, ten a second',
    basis: `apusys/midware/3.0, mdw_mem.c; ${DERIVED}`,
    loads: [{ consumer: 'apusys-map', lengthBytes: 32 * MiB, bufferCount: 8, stepsPerSecond: 10 }],
  },
  {
    name: 'usb-camera',
    title: 'A USB camera, YUYV 1080p at 30 frames a second, each buffer in its slot',
    basis: `videobuf2-vmalloc.c; ${DERIVED}`,
    loads: [
      {
        consumer: 'vb2-vmalloc',
        driver: 'uvcvideo',
        lengthBytes: 1920 * 1080 * 2,
        bufferCount: 8,
        slots: 'kept',
        stepsPerSecond: 30,
      },
    ],
  },
  {
    name: 'usb-camera-shuffled',
    title: 'A USB camera, YUYV 1080p at 30 frames a second, any buffer in any slot',
    basis: `videobuf2-vmalloc.c; ${DERIVED}`,
    loads: [
      {
        consumer: 'vb2-vmalloc',
        driver: 'uvcvideo',
        lengthBytes: 1920 * 1080 * 2,
        bufferCount: 8,
        slots: 'shuffled',
        stepsPerSecond: 30,
      },
    ],
  },
  {
    name: 'usb-camera-mjpeg',
    title: 'A USB camera, MJPEG at 60 frames a second in buffers of 4 MiB, any buffer in any slot',
    basis: `videobuf2-vmalloc.c; ${DERIVED}`,
    loads: [
      {
        consumer: 'vb2-vmalloc',
        driver: 'uvcvideo',
        lengthBytes: 4 * MiB,
        bufferCount: 8,
        slots: 'shuffled',
        stepsPerSecond: 60,
      },
    ],
  },
  {
    name: 'shadow-plane',
    title: 'A 1080p screen of 60 commits a second, all of it damaged',
    basis: 'drm_gem_atomic_helper.c, drm_gem_begin_shadow_fb_access',
    loads: [screen(1920, 1080)],
  },
  {
    name: 'shadow-plane-4k',
    title: 'A 4K screen of 60 commits a second, all of it damaged',
    basis: 'drm_gem_atomic_helper.c, drm_gem_begin_shadow_fb_access',
    loads: [screen(3840, 2160)],
  },
  {
    name: 'shadow-plane-small-damage',
    title: 'A 4K screen of 60 commits a second, 64 by 64 pixels of it damaged',
    basis: 'drm_gem_atomic_helper.c, drm_gem_begin_shadow_fb_access',
    loads: [screen(3840, 2160, { width: 64, height: 64 })],
  },
  {
    name: 'vmwgfx-blit',
    title: 'A blit of 1080p by the CPU, 60 times a second',
    basis: 'vmwgfx_blit.c, vmw_external_bo_copy',
    loads: [
      { consumer: 'vmwgfx-blit', width: 1920, height: 1080, bytesPerPixel: 4, bufferCount: 2, stepsPerSecond: 60 },
    ],
  },
  {
    name: 'capture-metadata',
    title: '60 requests a second that read 16 words of 1 MiB',
    basis: `pablo, capture meta; ${DERIVED}`,
    loads: [{ consumer: 'samsung-capture-meta', lengthBytes: MiB, bufferCount: 4, wordCount: 16, stepsPerSecond: 60 }],
  },
  {
    name: 'task-fences',
    title: '1000 tasks a second, with four semaphores each in buffers of 64 KiB',
    basis: 'pva_queue.c, pva_task_write_semaphore',
    loads: [{ consumer: 'nvidia-pva', lengthBytes: 64 * KiB, bufferCount: 16, fenceCount: 4, stepsPerSecond: 1000 }],
  },
  {
    name: 'kept-mappings',
    title: 'Fifty buffers of 1 MiB that stay mapped: a control, which no change helps',
    basis: 'cam_mem_mgr.c, cam_mem_util_map_cpu_va',
    loads: [{ consumer: 'qualcomm-camera', lengthBytes: MiB, bufferCount: 50, stepsPerSecond: 30 }],
  },
  {
    name: 'frame-processing',
    title: 'A processing system that takes three pictures of 4K for each of 30 frames a second',
    basis: `ipu-psys.c, ipu_psys_mapbuf_locked; ${DERIVED}`,
    loads: [
      {
        consumer: 'intel-ipu-psys',
        lengthBytes: nv12Bytes(3840, 2160),
        bufferCount: 9,
        buffersPerFrame: 3,
        stepsPerSecond: 30,
      },
    ],
  },
  decoder('decoder', '4K', [3840, 2160], 20),
  decoder('decoder-1080p', '1080p', [1920, 1080], 20),
  // As many as the standard lets a decoder keep at that size, and two.
  decoder('decoder-8k', '8K', [7680, 4320], 8),
  ...CONTENTION_RECIPES,
];
