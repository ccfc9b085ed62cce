import type { ListedBuffer } from './buffer-snapshot.ts';

/**
 * Keys for the buffers of a snapshot that stay the same in every snapshot of one boot: their
 * inodes. Where a list has none, their properties and a number among the buffers with the same
 * properties.
 */
export function keysOf(buffers: readonly ListedBuffer[]): string[] {
  const counts = new Map<string, number>();
  return buffers.map(({ inode, exporter, name, size }) => {
    if (inode !== null) return String(inode);
    const look = JSON.stringify([exporter, name, size]);
    const count = (counts.get(look) ?? 0) + 1;
    counts.set(look, count);
    return `${look}#${count}`;
  });
}
