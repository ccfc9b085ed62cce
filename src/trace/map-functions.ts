/** What a function of the kernel means for mappings, by its name. */
export type MapRole = 'none' | 'locked' | 'unlocked' | 'exporter' | 'unmap' | 'exporter-unmap';

const ROLES: ReadonlyMap<string, MapRole> = new Map([
  ['dma_buf_vmap', 'locked'],
  ['dma_buf_vmap_unlocked', 'unlocked'],
  ['dma_buf_vunmap', 'unmap'],
  ['dma_buf_vunmap_unlocked', 'unmap'],
  ['vmap_udmabuf', 'exporter'],
  ['vunmap_udmabuf', 'exporter-unmap'],
  ['tegra_gem_prime_vmap', 'exporter'],
  ['tegra_gem_prime_vunmap', 'exporter-unmap'],
  ['drm_gem_dmabuf_vmap', 'exporter'],
  ['drm_gem_dmabuf_vunmap', 'exporter-unmap'],
  ['i915_gem_dmabuf_vmap', 'exporter'],
  ['i915_gem_dmabuf_vunmap', 'exporter-unmap'],
  ['fastrpc_vmap', 'exporter'],
]);

/**
 * `dma_buf_ops.vmap` of heaps and of videobuf2: `system_heap_vmap`, `cma_heap_vmap`,
 * `vb2_dc_dmabuf_ops_vmap`.
 */
const EXPORTER = /^\w{1,60}(?:_heap|_dmabuf_ops)_v(?<direction>un)?map$/u;

/**
 * What takes a lock that another task may hold. `dma_resv_lock` is inlined: traces show
 * `ww_mutex_lock` (include/linux/dma-resv.h).
 */
export const LOCK_FUNCTION = /^(?:__)?(?:mutex_lock|ww_mutex_lock|dma_resv_lock|rt_mutex_lock)\w*$/u;

/** The role of a function whose compiler's suffix is cut ({@link functionName}). */
export function roleOf(name: string): MapRole {
  const role = ROLES.get(name);
  if (role !== undefined) return role;
  const match = EXPORTER.exec(name);
  if (match === null) return 'none';
  return match.groups?.['direction'] === undefined ? 'exporter' : 'exporter-unmap';
}

/**
 * A symbol's name without what the compiler added: `.isra.0`, `.constprop.0`, `.cold`, `.cfi_jt`,
 * `.llvm.1234`, `.__uniq.1234`. A dot at its beginning stays: those are entry points of 64-bit
 * PowerPC.
 */
export function functionName(symbol: string): string {
  const dot = symbol.indexOf('.', 1);
  return dot === -1 ? symbol : symbol.slice(0, dot);
}
