/** Recordings of a fleet that a seed repeats, and what is known of their callers. */

import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { MappingEvent, MappingMark, MappingPart, TraceRecord } from '../../../src/trace/mapping-event.ts';

/** One recording of one device. */
export interface SeededRecording {
  readonly device?: string;
  readonly build?: string;
  readonly records: readonly TraceRecord[];
}

/** Someone who maps, and what the columns are to say of them. */
export interface SeededCaller {
  readonly path: readonly string[];
  readonly modules?: MappingEvent['modules'];
  readonly callPath: string;
  readonly consumer: string;
  readonly subsystem?: string;
  readonly driver?: string;
  readonly origin: string;
}

export const SEEDED_CALLERS: readonly SeededCaller[] = [
  {
    path: ['dma_buf_vmap', 'drm_gem_shmem_vmap', 'cirrus_pipe_update'],
    callPath: 'cirrus_pipe_update;drm_gem_shmem_vmap;dma_buf_vmap',
    consumer: 'DRM shmem helper, cirrus',
    subsystem: 'DRM shmem helper',
    driver: 'cirrus',
    origin: 'in-tree',
  },
  {
    path: ['dma_buf_vmap_unlocked', 'mtk_cam_vb2_vaddr', 'vb2_plane_vaddr'],
    modules: [{ name: 'mtk_cam', buildId: '0cf9be6c', functions: ['mtk_cam_vb2_vaddr'] }],
    callPath: 'vb2_plane_vaddr;mtk_cam_vb2_vaddr;dma_buf_vmap_unlocked',
    consumer: 'mtk_cam, mtk_cam_vb2_vaddr',
    driver: 'mtk_cam',
    origin: 'out-of-tree',
  },
  {
    path: ['dma_buf_vmap_unlocked', 'vb2_dc_vaddr', 'vb2_plane_vaddr'],
    callPath: 'vb2_plane_vaddr;vb2_dc_vaddr;dma_buf_vmap_unlocked',
    consumer: 'videobuf2 dma-contig',
    subsystem: 'videobuf2 dma-contig',
    origin: 'in-tree',
  },
  {
    path: ['dma_buf_vmap_unlocked', 'apu_sysmem_alloc'],
    callPath: 'apu_sysmem_alloc;dma_buf_vmap_unlocked',
    consumer: 'apu_sysmem_alloc',
    origin: 'out-of-tree',
  },
  { path: ['dma_buf_vmap'], callPath: 'dma_buf_vmap', consumer: 'unknown caller', origin: 'unknown' },
];

/** Of a mapping of 100 ns: what its time went into is worked out by hand below. */
const PARTS: readonly MappingPart[] = [
  { name: 'system_heap_vmap', depth: 1, ns: 90 },
  { name: 'vmalloc', depth: 2, ns: 10 },
  { name: 'vmap', depth: 2, ns: 50 },
];
/** 90 − 10 − 50 is left for the exporter itself, 100 − 90 for what is around it. */
export const SEEDED_PARTS = { pageArray: 10, sgToPages: 30, vmap: 50, free: 0, lockWait: 0, other: 10 };
export const SEEDED_PARTS_NS = 100;

const MARKS: readonly (readonly MappingMark[] | undefined)[] = [
  undefined,
  undefined,
  undefined,
  ['preempted'],
  ['cut', 'moved'],
  ['sample'],
];

/** Names of builds; the first one has what engines take for the end of a text, or for an escape. */
export const SEEDED_BUILDS = { from: String.raw`rc'1\n`, to: '2.0' };

/** Recordings that do not say how long they took; others of the same devices do. */
const WITHOUT_LENGTH: ReadonlySet<number> = new Set([3, 6]);

/** @param eventCount in each recording */
export function seededFleet(seed: number, eventCount: number): SeededRecording[] {
  const random = new SeededRandom(seed);
  const labels = [
    { device: 'cam-1', build: SEEDED_BUILDS.from },
    { device: 'cam-1', build: SEEDED_BUILDS.to },
    { device: 'cam-2', build: SEEDED_BUILDS.from },
    { device: 'cam-3', build: SEEDED_BUILDS.to },
    { device: "O'Neil\\", build: SEEDED_BUILDS.to },
    {},
    { device: 'cam-2', build: SEEDED_BUILDS.from },
    { device: 'cam-3', build: SEEDED_BUILDS.to },
  ];
  return labels.map((label, index) => Object.assign({ records: seededRecords(random, eventCount, index) }, label));
}

function seededRecords(random: SeededRandom, eventCount: number, index: number): TraceRecord[] {
  const events = Array.from({ length: eventCount }, (_, line) => seededEvent(random, line + 1));
  const mappings = events.filter(({ kind }) => kind === 'mapping').length;
  return [
    ...events,
    {
      kind: 'summary',
      mappings,
      unmappings: events.length - mappings,
      unreadableLines: [{ line: 7 }],
      lostEvents: index,
      ...(WITHOUT_LENGTH.has(index) ? {} : { timeSpanSeconds: 2 + index }),
    },
  ];
}

function seededEvent(random: SeededRandom, line: number): TraceRecord {
  const has = (share: number): boolean => random.below(100) < share;
  const { path, modules } = SEEDED_CALLERS[random.below(SEEDED_CALLERS.length)] ?? { path: ['dma_buf_vmap'] };
  const shared = {
    form: 'event',
    line,
    path,
    ...(has(80) ? { time: 100 + line / 64 } : {}),
    ...(has(60) ? { buffer: `00000000dead${1000 + random.below(9)}` } : {}),
  } as const;
  if (has(20)) return { kind: 'unmapping', ...shared };
  const marks = MARKS[random.below(MARKS.length)];
  const isDivided = has(30);
  return {
    kind: 'mapping',
    ...shared,
    ...(modules === undefined ? {} : { modules }),
    ...(isDivided ? { parts: PARTS, durationNs: SEEDED_PARTS_NS } : {}),
    ...(isDivided || has(20) ? {} : { durationNs: has(10) ? null : 1 + random.below(5_000_000) }),
    ...(has(70) ? { sizeBytes: 4096 * (1 + random.below(512)) } : {}),
    ...(has(50) ? { result: has(20) ? -12 : 0 } : {}),
    ...(has(10) ? { count: 1 + random.below(4) } : {}),
    ...(marks === undefined ? {} : { marks }),
  };
}
