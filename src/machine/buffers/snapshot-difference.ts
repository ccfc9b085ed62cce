import { keysOf } from './buffer-keys.ts';
import type { BufferSnapshot, ListedBuffer } from './buffer-snapshot.ts';
import { processKey } from './group-buffers.ts';
import { groupGrowth } from './group-growth.ts';
import type { GroupGrowth } from './group-growth.ts';

/** How much more, or less, of one buffer a process holds. */
export interface HolderGrowth {
  readonly pid: number;
  readonly comm: string;
  readonly fdCount: number;
  readonly mappingCount: number;
}

/** A buffer in both snapshots whose holders changed. */
export interface ChangedBuffer {
  readonly buffer: ListedBuffer;
  readonly holders: readonly HolderGrowth[];
}

/** The changes between two snapshots. */
export interface SnapshotDifference {
  /** When they were taken: ISO 8601. */
  readonly before: string;
  readonly after: string;
  /** The largest first. */
  readonly newBuffers: readonly ListedBuffer[];
  readonly goneBuffers: readonly ListedBuffer[];
  readonly changedBuffers: readonly ChangedBuffer[];
  /** Changed groups, the most growth first. */
  readonly exporters: readonly GroupGrowth[];
  readonly processes: readonly GroupGrowth[];
}

/**
 * Compares two snapshots of one machine.
 *
 * @throws {RangeError} when the machine was restarted between them: inodes and process ids start
 *   over then
 */
export function compareSnapshots(before: BufferSnapshot, after: BufferSnapshot): SnapshotDifference {
  if (before.bootId !== after.bootId) {
    throw new RangeError(
      `Cannot compare with the snapshot of ${before.takenAt} as the machine was restarted since, or is another: take a new one with "dmabuf ls --save FILE"`,
    );
  }
  const [oldByKey, newByKey] = [byKey(before), byKey(after)];
  const [oldTicks, newTicks] = [startTicksOf(before), startTicksOf(after)];
  return {
    before: before.takenAt,
    after: after.takenAt,
    newBuffers: missingIn(oldByKey, newByKey),
    goneBuffers: missingIn(newByKey, oldByKey),
    changedBuffers: [...newByKey].flatMap(([key, buffer]) => {
      const old = oldByKey.get(key);
      const holders = old === undefined ? [] : holderGrowth(holdsOf(old, oldTicks), holdsOf(buffer, newTicks));
      return holders.length === 0 ? [] : [{ buffer, holders }];
    }),
    exporters: groupGrowth(before, after, 'exporter').filter(hasChanged),
    processes: groupGrowth(before, after, 'process').filter(hasChanged),
  };
}

function byKey({ buffers }: BufferSnapshot): Map<string, ListedBuffer> {
  const keys = keysOf(buffers);
  return new Map(buffers.map((buffer, index) => [keys[index] ?? '', buffer]));
}

function missingIn(known: ReadonlyMap<string, ListedBuffer>, all: ReadonlyMap<string, ListedBuffer>): ListedBuffer[] {
  return [...all].flatMap(([key, buffer]) => (known.has(key) ? [] : [buffer]));
}

function startTicksOf({ processes }: BufferSnapshot): Map<number, number> {
  return new Map(processes.map(({ pid, startTicks }) => [pid, startTicks]));
}

/** How much each process holds, by a key that stays unique when process ids are reused. */
function holdsOf({ holders }: ListedBuffer, ticks: ReadonlyMap<number, number>): Map<string, HolderGrowth> {
  return new Map(
    holders.map(({ pid, comm, fds, mappingCount }) => [
      processKey({ pid, startTicks: ticks.get(pid) ?? 0 }),
      { pid, comm, fdCount: fds.length, mappingCount },
    ]),
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
