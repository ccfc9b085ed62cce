/** What a dma-buf's file is called in `/proc/PID/fd` and `/proc/PID/maps` (`dmabuffs_dname`, drivers/dma-buf/dma-buf.c). */
const PREFIX = '/dmabuf:';

/** What all of them are called before v5.3, where they share one inode: nothing tells one buffer from another. */
const INDISTINCT = 'anon_inode:dmabuf';

/** A path read: a dma-buf by its name, which may be empty; one that cannot be told from others; or something else. */
type DmaBufPath = { readonly name: string } | 'indistinct' | 'other';

/** Reads a path whole: the kernel appends nothing to it, so that `… (deleted)` at its end belongs to the name. */
export function parseDmaBufPath(path: string): DmaBufPath {
  if (path.startsWith(PREFIX)) return { name: path.slice(PREFIX.length) };
  return path === INDISTINCT ? 'indistinct' : 'other';
}
