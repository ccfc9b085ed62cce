import { functionName, roleOf } from '../map-functions.ts';

/**
 * What an exporter's map function calls: the page array, the mapping itself, the array's end
 * (drivers/dma-buf/heaps/system_heap.c, system_heap_do_vmap). `vmalloc` has a suffix since 6.10.
 * udmabuf maps by `vm_map_ram`.
 */
const PARTS = ['vmalloc', 'vmalloc_noprof', 'vmap', 'vm_map_ram', 'vfree'];
/**
 * What udmabuf calls besides (drivers/dma-buf/udmabuf.c, vmap_udmabuf): everything calls it, so
 * only its calls from there are recorded.
 */
const UDMABUF_MAP = 'vmap_udmabuf';
const UDMABUF_PARTS = ['kvmalloc_node', 'kvmalloc_node_noprof', '__kvmalloc_node_noprof', 'kvfree'];
/**
 * Callers whose arguments lead to the driver, which stacks do not name: videobuf2's queue
 * (include/media/videobuf2-core.h), and a graphics buffer (include/drm/drm_gem.h).
 */
const DRIVER_FIELDS: ReadonlyMap<string, string> = new Map([
  ['vb2_core_qbuf', 'driver=q->dev->driver->name:string'],
  ['drm_gem_vmap', 'driver=obj->dev->driver->name:string'],
  ['drm_gem_vmap_locked', 'driver=obj->dev->driver->name:string'],
]);
/**
 * It changes nothing, and programs can call it: what a probe costs is measured on it. Of its names
 * the kernel lists one.
 */
const CALIBRATION = /^__(?:do|x64|arm64|riscv|s390x|se)_sys_getppid$/u;

const SINGLE: ReadonlySet<string> = new Set([
  'dma_buf_vmap',
  'dma_buf_vmap_unlocked',
  'dma_buf_vunmap',
  ...PARTS,
  ...UDMABUF_PARTS,
]);

/** The functions of a kernel that a recording probes. */
export interface ProbedFunctions {
  /** Whether there is `dma_buf_vmap`: without it nothing maps dma-bufs. */
  readonly hasMap: boolean;
  readonly hasUnmap: boolean;
  /** Whether there is the form that takes the buffer's lock before it maps. */
  readonly hasUnlockedMap: boolean;
  /** `system_heap_vmap` and the like. */
  readonly exporters: readonly string[];
  /** What they call. */
  readonly parts: readonly string[];
  /** What is called from everywhere, with the exporter whose calls count. */
  readonly partsOf: readonly (readonly [name: string, exporter: string])[];
  /** Callers that tell their driver, with the field that does. */
  readonly drivers: readonly (readonly [name: string, field: string])[];
  /** Undefined where there is none. */
  readonly calibration: string | undefined;
}

/** @param available the text of `available_filter_functions`: a function a line, with its module */
export function findProbedFunctions(available: string): ProbedFunctions {
  const names = new Set<string>();
  const exporters: string[] = [];
  let calibration: string | undefined;
  for (const [, name = ''] of available.matchAll(/^(\w+)(?: \[\w+\])?$/gmu)) {
    if (SINGLE.has(name) || DRIVER_FIELDS.has(name)) names.add(name);
    else if (name.includes('vmap') && roleOf(functionName(name)) === 'exporter') exporters.push(name);
    else if (CALIBRATION.test(name)) calibration = name;
  }
  return {
    hasMap: names.has('dma_buf_vmap'),
    hasUnmap: names.has('dma_buf_vunmap'),
    hasUnlockedMap: names.has('dma_buf_vmap_unlocked'),
    exporters: [...new Set(exporters)],
    parts: PARTS.filter((name) => names.has(name)),
    partsOf: exporters.includes(UDMABUF_MAP)
      ? UDMABUF_PARTS.filter((name) => names.has(name)).map((name) => [name, UDMABUF_MAP] as const)
      : [],
    drivers: [...DRIVER_FIELDS].filter(([name]) => names.has(name)),
    calibration,
  };
}
