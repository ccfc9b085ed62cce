import { freemem } from 'node:os';
import { dirname, join } from 'node:path';

import { KiB } from '../base/sizes.ts';
import { readOptionalSystemFile, readSystemFile } from './system-file.ts';

/** How much more memory this process may commit, and who says so. */
export interface MemoryRoom {
  readonly bytes: number;
  /** `MemAvailable`, or the path of the control group that leaves the least room. */
  readonly limitedBy: string;
}

interface MemoryController {
  readonly type: 'cgroup' | 'cgroup2';
  readonly limitFile: string;
  readonly usageFile: string;
  /** The key in memory.stat: file pages that the group gives up before it runs out. Shared memory is not among them. */
  readonly reclaimableKey: string;
}

/** Which groups this process is in, and where they are mounted: the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`. */
interface GroupListing {
  readonly root: string;
  readonly groups: string;
  readonly mounts: string;
}

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
 * Reads the least of the machine's `MemAvailable` and the room in each memory control group above this process, of version 1
 * or 2. Past a group's limit there is no error, only SIGKILL: whoever commits memory asks here first
 * (Documentation/admin-guide/cgroup-v2.rst, man 5 proc).
 *
 * @param root where `/proc` and `/sys` are found
 */
export function readMemoryRoom(root = '/'): MemoryRoom {
  const listing = {
    root,
    groups: readOptionalSystemFile(join(root, 'proc/self/cgroup')) ?? '',
    mounts: readOptionalSystemFile(join(root, 'proc/self/mountinfo')) ?? '',
  };
  const machine = readMachineRoom(root);
  const groups = CONTROLLERS.flatMap((controller) => readGroupRooms(listing, controller, machine.bytes));
  return groups.reduce((least, room) => (room.bytes < least.bytes ? room : least), machine);
}

/** What the machine as a whole has left, whatever the groups of this process: for memory that the kernel charges to none. */
export function readMachineRoom(root = '/'): MemoryRoom {
  return { bytes: readMemAvailable(root), limitedBy: 'MemAvailable' };
}

/** How large the areas of the kernel's contiguous allocator (CMA) are together, in use or not; undefined where there are none. */
export function readContiguousBytes(root = '/'): number | undefined {
  const bytes = readMeminfo('CmaTotal', root);
  return bytes === 0 ? undefined : bytes;
}

function readMemAvailable(root: string): number {
  return readMeminfo('MemAvailable', root) ?? freemem();
}

function readMeminfo(key: 'MemAvailable' | 'CmaTotal', root: string): number | undefined {
  const text = readSystemFile(join(root, 'proc/meminfo')).toString();
  const match = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'mu').exec(text);
  return match === null ? undefined : Number(match[1]) * KiB;
}

/** A controller's groups that limit the process, from this process's own up to the one that is mounted. */
function readGroupRooms(
  { root, groups, mounts }: GroupListing,
  controller: MemoryController,
  machineBytes: number,
): MemoryRoom[] {
  const group = findGroupPath(groups, controller.type);
  const mount = findMount(mounts, controller.type);
  if (group === undefined || mount === undefined) return [];
  // In a container the group's path starts at the mount's own root, or lies outside it.
  const isInside = `${group}/`.startsWith(`${mount.groupRoot}/`);
  const inside = isInside ? group.slice(mount.groupRoot.length) : group;
  const rooms: MemoryRoom[] = [];
  for (let path = join('/', inside); ; path = dirname(path)) {
    const room = readGroupRoom(join(root, mount.folder, path), controller, machineBytes);
    if (room !== undefined) rooms.push({ bytes: room, limitedBy: `control group ${path}` });
    if (path === '/') return rooms;
  }
}

/** `/proc/self/cgroup`: `ID:CONTROLLERS:PATH`, where version 2 has the ID 0 and names no controller (man 7 cgroups). */
function findGroupPath(groups: string, type: MemoryController['type']): string | undefined {
  const lines = groups.split('\n').map((line) => line.split(':'));
  const found = lines.find(([id, controllers]) =>
    type === 'cgroup2' ? id === '0' && controllers === '' : controllers?.split(',').includes('memory'),
  );
  return found?.slice(2).join(':');
}

/** `/proc/self/mountinfo`: fields 4 and 5 are the root inside the file system and the mount point; the type follows ` - ` (man 5 proc). */
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

/** Undefined where the group does not limit what the machine has: then its memory.stat, slow to read, need not be. */
function readGroupRoom(folder: string, controller: MemoryController, machineBytes: number): number | undefined {
  const limit = Number.parseInt(readOptionalSystemFile(join(folder, controller.limitFile)) ?? '', 10);
  const usage = Number.parseInt(readOptionalSystemFile(join(folder, controller.usageFile)) ?? '', 10);
  // "max", or a group without the controller: no limit here.
  if (Number.isNaN(limit) || Number.isNaN(usage) || limit - usage >= machineBytes) return undefined;
  const stat = readOptionalSystemFile(join(folder, 'memory.stat')) ?? '';
  const reclaimable = new RegExp(`^${controller.reclaimableKey} (\\d+)$`, 'mu').exec(stat)?.[1] ?? '0';
  return Math.max(0, limit - usage + Number(reclaimable));
}
