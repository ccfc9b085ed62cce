import { roleOf } from '../map-functions.ts';
import type { MappingPart } from '../mapping-event.ts';

/**
 * What a mapping spends its time on. `sg-to-pages` has no function of its own: it is what the map
 * function of a heap that converts spends itself, the tracer's cost included.
 */
export type PartKind = 'page-array' | 'sg-to-pages' | 'vmap' | 'free' | 'lock-wait' | 'other';

/** Nanoseconds by what they were spent on. */
export type PartTimes = Readonly<Record<PartKind, number>>;

const KINDS: readonly (readonly [PartKind, RegExp])[] = [
  ['page-array', /^(?:__)?(?:k?v[mz]alloc|kvmalloc|kvcalloc|kmalloc)\w*$/u],
  ['vmap', /^(?:vmap|vm_map_ram|vmap_pfn)$/u],
  ['free', /^(?:k?v?free|kvfree|kfree)\w*$/u],
  ['lock-wait', /^(?:__)?(?:mutex_lock|ww_mutex_lock|dma_resv_lock|rt_mutex_lock)\w*$/u],
];

/**
 * Whether an exporter's map function turns an sg table into pages: that of the system heap
 * (drivers/dma-buf/heaps/system_heap.c, system_heap_do_vmap), and heaps of vendors made after it.
 * The CMA heap and udmabuf keep lists of pages; graphics drivers allocate at their first mapping.
 */
export function convertsTable(name: string): boolean {
  return name.endsWith('_heap_vmap') && name !== 'cma_heap_vmap';
}

/** What a function inside a mapping does, by its name. */
export function partKindOf(name: string): PartKind {
  return KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
}

/**
 * Divides a mapping's time among its parts. Undefined where the trace does not go deep enough to
 * tell, or leaves out times.
 */
export function divideTime(parts: readonly MappingPart[], durationNs: number): PartTimes | undefined {
  const exporter = parts.findIndex(({ name, ns }) => roleOf(name) === 'exporter' && ns !== undefined);
  const from = exporter === -1 ? 0 : exporter + 1;
  const outer = parts[exporter];
  const depth = (outer?.depth ?? 0) + 1;
  const times = { 'page-array': 0, 'sg-to-pages': 0, vmap: 0, free: 0, 'lock-wait': 0, other: 0 };
  let known = 0;
  for (const part of parts.slice(from)) {
    if (part.depth < depth) break;
    if (part.depth > depth) continue;
    if (part.ns === undefined) return undefined;
    times[partKindOf(part.name)] += part.ns;
    known += part.ns;
  }
  if (times.vmap === 0) return undefined;
  const own = Math.max(0, (outer?.ns ?? durationNs) - known);
  times[outer !== undefined && convertsTable(outer.name) ? 'sg-to-pages' : 'other'] += own;
  if (outer !== undefined) times.other += Math.max(0, durationNs - (outer.ns ?? durationNs));
  return times;
}

/** Zero of everything. */
export const NO_TIME: PartTimes = { 'page-array': 0, 'sg-to-pages': 0, vmap: 0, free: 0, 'lock-wait': 0, other: 0 };

export function addTimes(one: PartTimes, other: PartTimes): PartTimes {
  return {
    'page-array': one['page-array'] + other['page-array'],
    'sg-to-pages': one['sg-to-pages'] + other['sg-to-pages'],
    vmap: one.vmap + other.vmap,
    free: one.free + other.free,
    'lock-wait': one['lock-wait'] + other['lock-wait'],
    other: one.other + other.other,
  };
}
