import { groupBuffers } from './group-buffers.ts';
import type { BufferGroup, Grouping } from './group-buffers.ts';
import type { BufferSnapshot } from './buffer-snapshot.ts';

/** The change of a group. Negative: it shrank. */
export interface GroupGrowth {
  /** The present group. For a group that is gone: the earlier one, emptied. */
  readonly group: BufferGroup;
  readonly presence: 'new' | 'gone' | 'stayed';
  readonly bufferCount: number;
  readonly bytes: number;
  readonly fdCount: number;
  readonly mappingCount: number;
}

const NOTHING = { bufferCount: 0, bytes: 0, shareBytes: 0, fdCount: 0, mappingCount: 0 } as const;

/**
 * How every group changed between two snapshots of one boot: those that grew the most first, then
 * the largest.
 */
export function groupGrowth(before: BufferSnapshot, after: BufferSnapshot, grouping: Grouping): GroupGrowth[] {
  const [old, current] = [groupBuffers(before, grouping), groupBuffers(after, grouping)];
  const oldByKey = new Map(old.map((group) => [group.key, group]));
  const keys = new Set(current.map(({ key }) => key));
  const gone = old.filter(({ key }) => !keys.has(key)).map(emptied);
  return [...current, ...gone]
    .map((group) => growthOf(group, oldByKey.get(group.key), keys.has(group.key)))
    .toSorted((one, other) => other.bytes - one.bytes || other.group.bytes - one.group.bytes);
}

function emptied(group: BufferGroup): BufferGroup {
  return { ...group, ...NOTHING };
}

function growthOf(group: BufferGroup, old: BufferGroup | undefined, isThere: boolean): GroupGrowth {
  const base = old ?? NOTHING;
  return {
    group,
    presence: presenceOf(old, isThere),
    bufferCount: group.bufferCount - base.bufferCount,
    bytes: group.bytes - base.bytes,
    fdCount: group.fdCount - base.fdCount,
    mappingCount: group.mappingCount - base.mappingCount,
  };
}

function presenceOf(old: BufferGroup | undefined, isThere: boolean): GroupGrowth['presence'] {
  if (old === undefined) return 'new';
  return isThere ? 'stayed' : 'gone';
}
