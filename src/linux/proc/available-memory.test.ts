import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { readAvailableMemory } from './available-memory.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const MiB = 1_048_576;
const MEMINFO = 'MemTotal:       16384 kB\nMemFree:         1024 kB\nMemAvailable:    8192 kB\nBuffers:   0 kB\n';
/** The available memory in MEMINFO: 8 MiB. */
const MACHINE = { bytes: 8 * MiB, limitedBy: 'MemAvailable' };
/** Version 1's value without a limit: LONG_MAX in whole pages. */
const NO_LIMIT_V1 = '9223372036854771712\n';

const V2_MOUNT = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const V1_MOUNTS = [
  '30 23 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
  '32 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
  '35 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
];

/** `/proc` of a process in the given groups. */
function proc(cgroup: string, mounts: readonly string[]): Record<string, string> {
  return {
    'proc/meminfo': MEMINFO,
    'proc/self/cgroup': `${cgroup}\n`,
    'proc/self/mountinfo': `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n${mounts.join('\n')}\n`,
  };
}

function v2Group(folder: string, max: number | 'max', current: number, inactiveFile = 0): Record<string, string> {
  return {
    [`${folder}/memory.max`]: `${max}\n`,
    [`${folder}/memory.current`]: `${current}\n`,
    [`${folder}/memory.stat`]: `anon 4096\nfile 8192\nshmem 4096\ninactive_file ${inactiveFile}\nactive_file 77\n`,
  };
}

function v1Group(folder: string, limit: number | string, usage: number, inactiveFile = 0): Record<string, string> {
  return {
    [`${folder}/memory.limit_in_bytes`]: `${limit}\n`,
    [`${folder}/memory.usage_in_bytes`]: `${usage}\n`,
    [`${folder}/memory.stat`]: `cache 0\ninactive_file 1\ntotal_inactive_file ${inactiveFile}\n`,
  };
}

test('readAvailableMemory gives MemAvailable where there are no control groups', (t) => {
  assert.deepEqual(readAvailableMemory(otherMachine({ root: temporaryTree(t, { 'proc/meminfo': MEMINFO }) })), MACHINE);
  assert.deepEqual(readAvailableMemory(otherMachine({ root: temporaryTree(t, proc('0::/', [])) })), MACHINE);
});

test("readAvailableMemory gives the rest of a version 2 group's limit", (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/app.slice/camera.service', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/app.slice/camera.service', 4 * MiB, MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), {
    bytes: 3 * MiB,
    limitedBy: 'control group /app.slice/camera.service',
  });
});

test('readAvailableMemory counts inactive file pages as room: the group drops them before it runs out', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/camera', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/camera', 4 * MiB, 4 * MiB, 2 * MiB),
  });
  assert.equal(readAvailableMemory(otherMachine({ root })).bytes, 2 * MiB);
});

test('readAvailableMemory takes the limit of an ancestor where the groups below say "max"', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/top/middle/leaf', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/top', 6 * MiB, 2 * MiB),
    ...v2Group('sys/fs/cgroup/top/middle', 'max', 2 * MiB),
    ...v2Group('sys/fs/cgroup/top/middle/leaf', 'max', MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), { bytes: 4 * MiB, limitedBy: 'control group /top' });
});

test('readAvailableMemory takes the group with the least room, whichever has the least limit', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/top/leaf', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/top', 7 * MiB, 6 * MiB),
    ...v2Group('sys/fs/cgroup/top/leaf', 4 * MiB, MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), { bytes: MiB, limitedBy: 'control group /top' });
});

test('readAvailableMemory gives MemAvailable where every group leaves more', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/camera', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/camera', 64 * MiB, MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), MACHINE);
});

test('readAvailableMemory gives no room, and not less, to a group that is above its limit', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/camera', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/camera', MiB, 2 * MiB),
  });
  assert.equal(readAvailableMemory(otherMachine({ root })).bytes, 0);
});

test('readAvailableMemory follows a mount whose root is the container itself', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/docker/4f1c/inner', ['31 23 0:28 /docker/4f1c /sys/fs/cgroup ro - cgroup2 cgroup rw']),
    ...v2Group('sys/fs/cgroup', 5 * MiB, MiB),
    ...v2Group('sys/fs/cgroup/inner', 3 * MiB, MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), { bytes: 2 * MiB, limitedBy: 'control group /inner' });
});

test('readAvailableMemory takes the mounted group where that is what this process is in', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/docker/4f1c', ['31 23 0:28 /docker/4f1c /sys/fs/cgroup ro - cgroup2 cgroup rw']),
    ...v2Group('sys/fs/cgroup', 5 * MiB, MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), { bytes: 4 * MiB, limitedBy: 'control group /' });
});

test('readAvailableMemory falls back on the mounted group where this process is outside it', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/', ['31 23 0:28 /../4f1c /sys/fs/cgroup ro - cgroup2 cgroup rw']),
    ...v2Group('sys/fs/cgroup', 5 * MiB, MiB),
  });
  assert.equal(readAvailableMemory(otherMachine({ root })).bytes, 4 * MiB);
});

test('readAvailableMemory does not take a group for inside the mount because its name begins like it', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/docker/4f1c9', ['31 23 0:28 /docker/4f1c /sys/fs/cgroup ro - cgroup2 cgroup rw']),
    ...v2Group('sys/fs/cgroup', 5 * MiB, MiB),
    ...v2Group('sys/fs/cgroup/9', MiB, MiB),
  });
  assert.equal(readAvailableMemory(otherMachine({ root })).bytes, 4 * MiB);
});

test('readAvailableMemory reads version 1 groups from the mount of the memory controller', (t) => {
  const root = temporaryTree(t, {
    ...proc('9:cpu,cpuacct:/elsewhere\n4:memory:/process/a:b', V1_MOUNTS),
    ...v1Group('sys/fs/cgroup/memory', NO_LIMIT_V1, 6 * MiB),
    ...v1Group('sys/fs/cgroup/memory/process', NO_LIMIT_V1, 6 * MiB),
    ...v1Group('sys/fs/cgroup/memory/process/a:b', 6 * MiB, 3 * MiB, MiB),
    ...v1Group('sys/fs/cgroup/cpu,cpuacct/elsewhere', MiB, MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), {
    bytes: 4 * MiB,
    limitedBy: 'control group /process/a:b',
  });
});

test('readAvailableMemory takes the limit of an ancestor in version 1 too', (t) => {
  const root = temporaryTree(t, {
    ...proc('4:memory:/top/leaf', V1_MOUNTS),
    ...v1Group('sys/fs/cgroup/memory/top', 5 * MiB, 3 * MiB),
    ...v1Group('sys/fs/cgroup/memory/top/leaf', NO_LIMIT_V1, 3 * MiB),
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), { bytes: 2 * MiB, limitedBy: 'control group /top' });
});

test('readAvailableMemory finds the memory controller where it is mounted together with others', (t) => {
  const root = temporaryTree(t, {
    ...proc('4:hugetlb,memory:/camera', ['35 30 0:32 / /cgroups/both rw - cgroup none rw,hugetlb,memory']),
    ...v1Group('cgroups/both/camera', 3 * MiB, MiB),
  });
  assert.equal(readAvailableMemory(otherMachine({ root })).bytes, 2 * MiB);
});

test('readAvailableMemory looks at both versions where both are mounted', (t) => {
  const hybrid = [...V1_MOUNTS, '41 30 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'];
  const files = proc('4:memory:/old\n0::/new', hybrid);
  const limitedByOld = {
    ...v1Group('sys/fs/cgroup/memory/old', 2 * MiB, MiB),
    ...v2Group('sys/fs/cgroup/unified/new', 5 * MiB, MiB),
  };
  const limitedByNew = {
    ...v1Group('sys/fs/cgroup/memory/old', 7 * MiB, MiB),
    ...v2Group('sys/fs/cgroup/unified/new', 4 * MiB, MiB),
  };
  assert.deepEqual(readAvailableMemory(otherMachine({ root: temporaryTree(t, { ...files, ...limitedByOld }) })), {
    bytes: MiB,
    limitedBy: 'control group /old',
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root: temporaryTree(t, { ...files, ...limitedByNew }) })), {
    bytes: 3 * MiB,
    limitedBy: 'control group /new',
  });
});

test('readAvailableMemory passes by groups whose files are missing', (t) => {
  const whole = v2Group('sys/fs/cgroup/camera', 4 * MiB, MiB, MiB);
  for (const [missing, bytes] of [
    ['memory.max', 8 * MiB],
    ['memory.current', 8 * MiB],
    ['memory.stat', 3 * MiB],
  ] as const) {
    const { [`sys/fs/cgroup/camera/${missing}`]: _removed, ...rest } = whole;
    const root = temporaryTree(t, { ...proc('0::/camera', [V2_MOUNT]), ...rest });
    assert.equal(readAvailableMemory(otherMachine({ root })).bytes, bytes, `without ${missing}`);
  }
});

test('readAvailableMemory gives what the groups leave where meminfo has no MemAvailable', (t) => {
  const root = temporaryTree(t, {
    ...proc('0::/camera', [V2_MOUNT]),
    ...v2Group('sys/fs/cgroup/camera', 64 * MiB, MiB),
    'proc/meminfo': 'MemTotal: 16384 kB\n',
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root })), {
    bytes: 63 * MiB,
    limitedBy: 'control group /camera',
  });
});

test('readAvailableMemory gives what is free where /proc is not mounted, and what the groups leave where they usually are', (t) => {
  const total = totalmem();
  const { bytes } = readAvailableMemory(otherMachine({ root: temporaryTree(t, {}) }));
  assert.ok(bytes > 0 && bytes <= total);
  const v2 = temporaryTree(t, v2Group('sys/fs/cgroup', 4 * MiB, MiB, MiB));
  assert.deepEqual(readAvailableMemory(otherMachine({ root: v2 })), { bytes: 4 * MiB, limitedBy: 'control group /' });
  const v1 = temporaryTree(t, {
    'sys/fs/cgroup/memory/memory.limit_in_bytes': `${8 * MiB}\n`,
    'sys/fs/cgroup/memory/memory.usage_in_bytes': `${2 * MiB}\n`,
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root: v1 })), { bytes: 6 * MiB, limitedBy: 'control group /' });
});

test('readAvailableMemory gives what may still be committed under strict accounting', (t) => {
  const meminfo = 'MemAvailable: 16384 kB\nCommitLimit: 10240 kB\nCommitted_AS: 4096 kB\n';
  const root = (mode: number): string =>
    temporaryTree(t, { 'proc/meminfo': meminfo, 'proc/sys/vm/overcommit_memory': `${mode}\n` });
  assert.deepEqual(readAvailableMemory(otherMachine({ root: root(2) })), {
    bytes: 6 * MiB,
    limitedBy: 'CommitLimit (vm.overcommit_memory is 2)',
  });
  assert.deepEqual(readAvailableMemory(otherMachine({ root: root(0) })), {
    bytes: 16 * MiB,
    limitedBy: 'MemAvailable',
  });
});

test('readAvailableMemory gives this machine no more room than it has memory', () => {
  const total = /^MemTotal:\s+(\d+) kB$/mu.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  const room = readAvailableMemory();
  assert.ok(room.bytes > 0);
  assert.ok(room.bytes <= Number(total) * 1024);
});
