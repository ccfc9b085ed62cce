import { freemem } from 'node:os';
import { dirname, join } from 'node:path';

import { KiB } from '../../base/sizes.ts';
import { readOptionalSystemFile } from './system-file.ts';
import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

/** How much more memory this process may commit, and the source of the figure. */
export interface AvailableMemory {
  readonly bytes: number;
  /**
   * `MemAvailable`, or the tighter source: a control group by its path, or strict accounting
   * (`vm.overcommit_memory`).
   */
  readonly limitedBy: string;
}

const STRICT_OVERCOMMIT = '2';

interface MemoryController {
  readonly type: 'cgroup' | 'cgroup2';
  readonly limitFile: string;
  readonly usageFile: string;
  /**
   * The key in memory.stat: file pages that the kernel reclaims before the group runs out. Shared
   * memory is not among them.
   */
  readonly reclaimableKey: string;
}

/**
 * The groups of this process, and their mounts: the texts of `/proc/self/cgroup` and
 * `/proc/self/mountinfo`.
 */
interface GroupListing {
  readonly machine: Machine;
  readonly groups: string;
  readonly mounts: string;
}

/** The usual mount points, which containers always have: for machines without `/proc/self`. */
const USUAL_GROUPS = '0::/\n1:memory:/\n';
const USUAL_MOUNTS =
  '1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n2 0 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup memory\n';

const CONTROLLERS: readonly MemoryController[] = [
  { type: 'cgroup2', limitFile: 'memory.max', usageFile: 'memory.current', reclaimableKey: 'inactive_file' },
  {
    type: 'cgroup',
    limitFile: 'memory.limit_in_bytes',
    usageFile: 'memory.usage_in_bytes',
    reclaimableKey: 'total_inactive_file',
  },
];

/**
 * Reads the least of the machine's `MemAvailable` and the room in each memory control group above
 * this process, of version 1 or 2. Exceeding a group's limit gives no error, only SIGKILL, so this
 * is asked before memory is committed (Documentation/admin-guide/cgroup-v2.rst, man 5 proc).
 */
export function readAvailableMemory(machine: Machine = thisMachine): AvailableMemory {
  const listing = {
    machine,
    groups: readOptionalSystemFile(join(machine.root, 'proc/self/cgroup')) ?? USUAL_GROUPS,
    mounts: readOptionalSystemFile(join(machine.root, 'proc/self/mountinfo')) ?? USUAL_MOUNTS,
  };
  const whole = readMachineMemory(machine);
  const groups = CONTROLLERS.flatMap((controller) => readGroupRooms(listing, controller, whole.bytes));
  return groups.reduce((least, room) => (room.bytes < least.bytes ? room : least), whole);
}

/**
 * What the whole machine has left, regardless of this process's groups: for memory that the kernel
 * charges to no group.
 */
export function readMachineMemory(machine: Machine = thisMachine): AvailableMemory {
  const meminfo = readOptionalSystemFile(join(machine.root, 'proc/meminfo')) ?? '';
  const available = { bytes: readMeminfo(meminfo, 'MemAvailable') ?? freemem(), limitedBy: 'MemAvailable' };
  const committable = readCommittableRoom(meminfo, machine);
  return committable !== undefined && committable.bytes < available.bytes ? committable : available;
}

/**
 * Under strict accounting, touching a page beyond the commit limit is SIGBUS
 * (Documentation/mm/overcommit-accounting.rst).
 */
function readCommittableRoom(meminfo: string, machine: Machine): AvailableMemory | undefined {
  const mode = readOptionalSystemFile(join(machine.root, 'proc/sys/vm/overcommit_memory'))?.trim();
  if (mode !== STRICT_OVERCOMMIT) return undefined;
  const [limit, committed] = [readMeminfo(meminfo, 'CommitLimit'), readMeminfo(meminfo, 'Committed_AS')];
  if (limit === undefined || committed === undefined) return undefined;
  return { bytes: Math.max(0, limit - committed), limitedBy: 'CommitLimit (vm.overcommit_memory is 2)' };
}

/**
 * The total size of the kernel's contiguous allocator (CMA) areas, in use or not; undefined where
 * there are none.
 */
export function readContiguousBytes(machine: Machine = thisMachine): number | undefined {
  const bytes = readMeminfo(readOptionalSystemFile(join(machine.root, 'proc/meminfo')) ?? '', 'CmaTotal');
  return bytes === 0 ? undefined : bytes;
}

/** A line of `/proc/meminfo` (man 5 proc), in bytes; undefined where the text does not have it. */
function readMeminfo(text: string, key: string): number | undefined {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'mu').exec(text);
  return match === null ? undefined : Number(match[1]) * KiB;
}

/** The groups of a controller that limit the process, from its own up to the mounted one. */
function readGroupRooms(
  { machine, groups, mounts }: GroupListing,
  controller: MemoryController,
  machineBytes: number,
): AvailableMemory[] {
  const group = findGroupPath(groups, controller.type);
  const mount = findMount(mounts, controller.type);
  if (group === undefined || mount === undefined) return [];
  // In a container, the group's path is relative to the mount's root, or lies outside it.
  const isInside = `${group}/`.startsWith(`${mount.groupRoot}/`);
  const inside = isInside ? group.slice(mount.groupRoot.length) : group;
  const rooms: AvailableMemory[] = [];
  for (let path = join('/', inside); ; path = dirname(path)) {
    const room = readGroupRoom(join(machine.root, mount.folder, path), controller, machineBytes);
    if (room !== undefined) rooms.push({ bytes: room, limitedBy: `control group ${path}` });
    if (path === '/') return rooms;
  }
}

/**
 * `/proc/self/cgroup`: `ID:CONTROLLERS:PATH`, where version 2 has the ID 0 and names no controller
 * (man 7 cgroups).
 */
function findGroupPath(groups: string, type: MemoryController['type']): string | undefined {
  const lines = groups.split('\n').map((line) => line.split(':'));
  const found = lines.find(([id, controllers]) =>
    type === 'cgroup2' ? id === '0' && controllers === '' : controllers?.split(',').includes('memory'),
  );
  return found?.slice(2).join(':');
}

/**
 * `/proc/self/mountinfo`: fields 4 and 5 are the root inside the file system and the mount point;
 * the type follows ` - ` (man 5 proc).
 */
function findMount(mounts: string, type: MemoryController['type']): { groupRoot: string; folder: string } | undefined {
  for (const line of mounts.split('\n')) {
    const [mount, fileSystem] = line.split(' - ').map((part) => part.split(' '));
    const options = fileSystem?.[2]?.split(',') ?? [];
    if (fileSystem?.[0] !== type || (type === 'cgroup' && !options.includes('memory'))) continue;
    const [groupRoot, folder] = [mount?.[3], mount?.[4]];
    if (groupRoot !== undefined && folder !== undefined)
      return { groupRoot: groupRoot === '/' ? '' : groupRoot, folder };
  }
  return undefined;
}

/**
 * Undefined where the group's limit exceeds the machine's memory: its memory.stat, which is slow to
 * read, is not needed then.
 */
function readGroupRoom(folder: string, controller: MemoryController, machineBytes: number): number | undefined {
  const limit = Number.parseInt(readOptionalSystemFile(join(folder, controller.limitFile)) ?? '', 10);
  const usage = Number.parseInt(readOptionalSystemFile(join(folder, controller.usageFile)) ?? '', 10);
  // "max", or a group without the controller: no limit.
  if (Number.isNaN(limit) || Number.isNaN(usage) || limit - usage >= machineBytes) return undefined;
  const stat = readOptionalSystemFile(join(folder, 'memory.stat')) ?? '';
  const reclaimable = new RegExp(`^${controller.reclaimableKey} (\\d+)$`, 'mu').exec(stat)?.[1] ?? '0';
  return Math.max(0, limit - usage + Number(reclaimable));
}
