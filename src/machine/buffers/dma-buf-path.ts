/**
 * The name of a dma-buf's file in `/proc/PID/fd` and `/proc/PID/maps` (`dmabuffs_dname`,
 * drivers/dma-buf/dma-buf.c).
 */
const PREFIX = '/dmabuf:';

/**
 * The name of all of them before v5.3, where they share one inode: buffers cannot be distinguished.
 */
const INDISTINCT = 'anon_inode:dmabuf';

/**
 * A parsed path: a dma-buf with its name, which may be empty; one that cannot be distinguished from
 * others; or something else.
 */
type DmaBufPath = { readonly name: string } | 'indistinct' | 'other';

/**
 * Parses a whole path. The kernel appends nothing to it, so `… (deleted)` at its end belongs to the
 * name.
 */
export function parseDmaBufPath(path: string): DmaBufPath {
  if (path.startsWith(PREFIX)) return { name: path.slice(PREFIX.length) };
  return path === INDISTINCT ? 'indistinct' : 'other';
}
