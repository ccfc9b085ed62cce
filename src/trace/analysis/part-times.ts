import { LOCK_FUNCTION, roleOf } from '../map-functions.ts';
import type { MappingPart } from '../mapping-event.ts';

/**
 * What a mapping spends its time on. `sg-to-pages` has no function of its own: it is what the map
 * function of a heap that converts spends itself, the cost of a tracer included.
 */
export type PartKind = 'page-array' | 'sg-to-pages' | 'vmap' | 'free' | 'lock-wait' | 'other';

/** Nanoseconds by what they were spent on. */
export type PartTimes = Readonly<Record<PartKind, number>>;

/** Zero of everything. */
export const NO_TIME: PartTimes = { 'page-array': 0, 'sg-to-pages': 0, vmap: 0, free: 0, 'lock-wait': 0, other: 0 };

const KINDS: readonly (readonly [PartKind, RegExp])[] = [
  ['page-array', /^(?:__)?(?:k?v[mz]alloc|kvmalloc|kvcalloc|kmalloc)\w*$/u],
  ['vmap', /^(?:vmap|vm_map_ram|vmap_pfn)$/u],
  ['free', /^(?:k?v?free|kvfree|kfree)\w*$/u],
  ['lock-wait', LOCK_FUNCTION],
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

/** How long the caller of `path[0]` waited for the lock before. */
export function waitBeforeNs(parts: readonly MappingPart[]): number {
  return parts.reduce((sum, { depth, ns = 0 }) => sum + (depth === 0 ? ns : 0), 0);
}

/**
 * Divides a mapping's time among its parts, and adds the wait for the lock before it. Undefined
 * where the trace does not go deep enough to tell, or leaves out times.
 */
export function divideTime(allParts: readonly MappingPart[], durationNs: number): PartTimes | undefined {
  const parts = allParts.filter(({ depth }) => depth > 0);
  const exporter = parts.findIndex(({ name, ns }) => roleOf(name) === 'exporter' && ns !== undefined);
  const from = exporter === -1 ? 0 : exporter + 1;
  const outer = parts[exporter];
  const depth = (outer?.depth ?? 0) + 1;
  const times = { ...NO_TIME, 'lock-wait': waitBeforeNs(allParts) };
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
