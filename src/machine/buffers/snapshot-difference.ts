import type { BufferSnapshot, ListedBuffer } from './buffer-snapshot.ts';
import { processKey } from './group-buffers.ts';
import { groupGrowth } from './group-growth.ts';
import type { GroupGrowth } from './group-growth.ts';

/** How much more, or less, one process holds of one buffer. */
export interface HolderGrowth {
  readonly pid: number;
  readonly comm: string;
  readonly fdCount: number;
  readonly mappingCount: number;
}

/** A buffer that is in both snapshots, held differently. */
export interface ChangedBuffer {
  readonly buffer: ListedBuffer;
  readonly holders: readonly HolderGrowth[];
}

/** What changed between two snapshots. */
export interface SnapshotDifference {
  /** When they were taken: ISO 8601. */
  readonly before: string;
  readonly after: string;
  /** The largest first, as everywhere here. */
  readonly newBuffers: readonly ListedBuffer[];
  readonly goneBuffers: readonly ListedBuffer[];
  readonly changedBuffers: readonly ChangedBuffer[];
  /** Those that changed, those that grew the most first. */
  readonly exporters: readonly GroupGrowth[];
  readonly processes: readonly GroupGrowth[];
}

/**
 * Compares two snapshots of one machine.
 *
 * @throws {RangeError} when the machine was restarted between them: inodes and process ids start over
 */
export function compareSnapshots(before: BufferSnapshot, after: BufferSnapshot): SnapshotDifference {
  if (before.bootId !== after.bootId) {
    throw new RangeError(
      `Cannot compare with the snapshot of ${before.takenAt} as the machine was restarted since, or is another: take a new one with "dmabuf ls --save FILE"`,
    );
  }
  const [oldByInode, newByInode] = [byInode(before), byInode(after)];
  return {
    before: before.takenAt,
    after: after.takenAt,
    newBuffers: after.buffers.filter(({ inode }) => !oldByInode.has(inode)),
    goneBuffers: before.buffers.filter(({ inode }) => !newByInode.has(inode)),
    changedBuffers: after.buffers.flatMap((buffer) => {
      const old = oldByInode.get(buffer.inode);
      const holders = old === undefined ? [] : holderGrowth(holdsOf(before, old), holdsOf(after, buffer));
      return holders.length === 0 ? [] : [{ buffer, holders }];
    }),
    exporters: groupGrowth(before, after, 'exporter').filter(hasChanged),
    processes: groupGrowth(before, after, 'process').filter(hasChanged),
  };
}

function byInode({ buffers }: BufferSnapshot): Map<number, ListedBuffer> {
  return new Map(buffers.map((buffer) => [buffer.inode, buffer]));
}

/** How much each process holds, by a key that outlives the process id. */
function holdsOf({ processes }: BufferSnapshot, { holders }: ListedBuffer): Map<string, HolderGrowth> {
  return new Map(
    holders.map(({ pid, comm, fds, mappingCount }) => {
      const startTicks = processes.find((process) => process.pid === pid)?.startTicks ?? 0;
      return [processKey({ pid, startTicks }), { pid, comm, fdCount: fds.length, mappingCount }];
    }),
  );
}

function holderGrowth(before: Map<string, HolderGrowth>, after: Map<string, HolderGrowth>): HolderGrowth[] {
  const keys = [...new Set([...after.keys(), ...before.keys()])];
  return keys.flatMap((key) => {
    const [old, current] = [before.get(key), after.get(key)];
    const { pid = 0, comm = '' } = current ?? old ?? {};
    const fdCount = (current?.fdCount ?? 0) - (old?.fdCount ?? 0);
    const mappingCount = (current?.mappingCount ?? 0) - (old?.mappingCount ?? 0);
    return fdCount === 0 && mappingCount === 0 ? [] : [{ pid, comm, fdCount, mappingCount }];
  });
}

function hasChanged({ bufferCount, bytes, fdCount, mappingCount }: GroupGrowth): boolean {
  return bufferCount !== 0 || bytes !== 0 || fdCount !== 0 || mappingCount !== 0;
}
