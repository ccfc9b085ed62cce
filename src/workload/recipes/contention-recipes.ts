import { KiB, MiB } from '../../base/sizes.ts';
import type { CameraNode } from '../loads/camera-load.ts';
import type { BufferUse } from '../loads/dma-buf-user-load.ts';
import type { LoadPlace, PacedLoad, Workload } from '../workload.ts';

/** A picture of 200 megapixels, in 10 bits of which each has a byte and a quarter: 238 MiB. */
const LARGE_PICTURE_BYTES: number = 240 * MiB;
/** A raw picture of 50 megapixels, likewise. */
const STILL_BYTES: number = 60 * MiB;
const MAPPER_RATE = 4;
/** Often enough that each comes while the mapper maps. */
const USER_RATE = 100;
/** From the application's start to the first frame that is expected. */
const LAUNCH_MS = 125;

const RECIPE_BASIS = 'dma-buf.c and system_heap.c, which functions take which locks; sizes and rates derived';

/** One raw picture for each exposure. */
interface StillCapture {
  readonly title: string;
  readonly exposures: readonly string[];
  readonly lengthBytes: number;
  readonly stepsPerSecond: number;
}

/** One that maps a large buffer again and again, and four that use it meanwhile. */
function usersOf(place: LoadPlace): PacedLoad[] {
  const user = (use: BufferUse, stepsPerSecond: number): PacedLoad => ({
    consumer: 'dma-buf-user',
    buffer: 'picture',
    lengthBytes: LARGE_PICTURE_BYTES,
    use,
    stepsPerSecond,
    place,
  });
  return [
    user('vmap', MAPPER_RATE),
    user('cpu-access', USER_RATE),
    user('cpu-access', USER_RATE),
    user('attachment', USER_RATE),
    user('mmap', USER_RATE),
  ];
}

/** Of one sensor of three: configuration, statistics, a picture and a raw picture. */
const LAUNCH_NODES: readonly CameraNode[] = [
  { name: 'meta-config', kind: 'meta-config', lengthBytes: 256 * KiB },
  { name: 'meta-stats-0', kind: 'meta-statistics', lengthBytes: 1.5 * MiB },
  { name: 'meta-stats-1', kind: 'meta-statistics', lengthBytes: 600 * KiB },
  { name: 'yuvo-1', kind: 'image', lengthBytes: (3840 * 2160 * 3) / 2 },
  { name: 'imgo', kind: 'image', lengthBytes: 15 * MiB },
];
const LAUNCH_POOLS_BYTES: readonly number[] = [MiB, 2 * MiB, 4 * MiB, 8 * MiB];

const SENSOR: PacedLoad = {
  consumer: 'mtk-camera-launch',
  nodes: LAUNCH_NODES,
  bufferCount: 1,
  workingBytes: LAUNCH_POOLS_BYTES,
  stepsPerSecond: 1,
  deadlineMs: LAUNCH_MS,
  place: 'thread',
};
const NPU_OPEN: PacedLoad = {
  consumer: 'apusys-pool',
  commandCount: 16,
  commandBytesMin: 4 * KiB,
  commandBytesMax: 256 * KiB,
  stepsPerSecond: 1,
  deadlineMs: LAUNCH_MS,
  place: 'thread',
};
const POOL_USER: PacedLoad = {
  consumer: 'apusys-shared-pool',
  session: 'npu',
  commandCount: 100,
  commandBytes: 64 * KiB,
  largeCommandBytes: 5 * MiB,
  stepsPerSecond: 5,
  place: 'thread',
};

function stillCapture(name: string, { title, exposures, lengthBytes, stepsPerSecond }: StillCapture): Workload {
  const nodes = exposures.map((exposure): CameraNode => ({ name: exposure, kind: 'image', lengthBytes }));
  return {
    name,
    title,
    basis: 'mtk_cam-job.c; sizes derived from formats',
    loads: [{ consumer: 'mtk-camera-launch', nodes, bufferCount: 1, stepsPerSecond }],
  };
}

/** Who waits for whom: loads in threads and processes of their own. */
export const CONTENTION_RECIPES: readonly Workload[] = [
  {
    name: 'contention',
    title: 'A thread maps 240 MiB again and again, four others use the same buffer: how long they wait',
    basis: RECIPE_BASIS,
    loads: usersOf('thread'),
  },
  {
    name: 'contention-of-processes',
    title: 'The same with five processes, to which the buffer is passed',
    basis: RECIPE_BASIS,
    loads: usersOf('process'),
  },
  {
    name: 'camera-launch',
    title: 'A camera application starts: three sensors and two sessions of an NPU, all buffers new, within 125 ms',
    basis: 'mtk_cam-job.c, mtk_cam-pool.c, mdw_mem_pool.c; sizes derived from formats',
    loads: [SENSOR, SENSOR, SENSOR, NPU_OPEN, NPU_OPEN],
  },
  {
    name: 'model-load-beside',
    title: 'A thread of an NPU session maps 256 MiB of weights, another buffers of 1 MiB, 200 a second',
    basis: 'apusys/midware/3.0, mdw_mem.c, mpriv->mtx; sizes derived',
    loads: [
      {
        consumer: 'apusys-map',
        session: 'npu',
        lengthBytes: 256 * MiB,
        bufferCount: 1,
        stepsPerSecond: 2,
        place: 'thread',
      },
      {
        consumer: 'apusys-map',
        session: 'npu',
        lengthBytes: MiB,
        bufferCount: 8,
        stepsPerSecond: 200,
        place: 'thread',
      },
    ],
  },
  {
    name: 'pool-growth',
    title: 'Four threads of an NPU session take 100 commands of 64 KiB and one of 5 MiB: its pool grows meanwhile',
    basis: 'apusys/midware/3.0, mdw_mem_pool.c, pool->m_mtx',
    loads: [POOL_USER, POOL_USER, POOL_USER, POOL_USER],
  },
  stillCapture('still-capture', {
    title: 'A picture is taken: three exposures of 60 MiB, new buffers for each, four times a second',
    exposures: ['long', 'middle', 'short'],
    lengthBytes: STILL_BYTES,
    stepsPerSecond: 4,
  }),
  stillCapture('still-capture-200mp', {
    title: 'A picture of 200 megapixels is taken: two exposures of 238 MiB, new buffers for each, once a second',
    exposures: ['long', 'short'],
    lengthBytes: 238 * MiB,
    stepsPerSecond: 1,
  }),
  {
    name: 'sync-after-map',
    title: 'CPU access to 60 MiB that is mapped and attached to three devices, 30 times a second',
    basis: 'system_heap.c, system_heap_dma_buf_begin_cpu_access',
    loads: [{ consumer: 'dma-buf-sync', lengthBytes: 60 * MiB, attachmentCount: 3, stepsPerSecond: 30 }],
  },
];
