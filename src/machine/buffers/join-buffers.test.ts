import assert from 'node:assert/strict';
import { test } from 'node:test';

import { joinBuffers } from './join-buffers.ts';
import type { KernelBuffer } from './kernel-buffer.ts';
import type { ProcessHoldings } from './process-holdings.ts';

function listed(inode: number, size: number): KernelBuffer {
  return { inode, size, exporter: 'system', name: undefined, references: 1, devices: [] };
}

function holding(pid: number, inode: number): ProcessHoldings {
  const descriptor = { fd: 3, inode, size: 4096, exporter: 'udmabuf', name: 'mine', references: 2 };
  return {
    pid,
    comm: 'a',
    startTicks: 1,
    isKernelThread: false,
    isWhole: true,
    descriptors: [descriptor],
    mappings: [],
    indistinctCount: 0,
    unreadableCount: 0,
  };
}

test('joinBuffers does not blame the kernel for buffers that came or went while the processes were read', () => {
  const before = [listed(1, 4096), listed(2, 4096)];
  const buffers = joinBuffers({ before, processes: [], ownPid: 9, after: [listed(2, 4096), listed(3, 4096)] });
  assert.deepEqual(
    buffers.map(({ inode }) => inode),
    [2],
  );
});

test('joinBuffers lists buffers that a process holds, even if the kernel list does not have them', () => {
  const [buffer] = joinBuffers({ before: [], processes: [holding(9, 7)], ownPid: 9, after: [] });
  assert.deepEqual(buffer, {
    inode: 7,
    size: 4096,
    sizeIsMinimum: false,
    exporter: 'udmabuf',
    name: 'mine',
    references: 2,
    otherReferences: 1,
    devices: null,
    holders: [{ pid: 9, comm: 'a', isSelf: true, fds: [3], mappingCount: 0, shareBytes: 4096 }],
  });
});

test('joinBuffers sorts by size, the largest first, and then by inode', () => {
  const before = [listed(4, 4096), listed(3, 8192), listed(2, 4096), listed(1, 12_288)];
  const buffers = joinBuffers({ before, processes: [], ownPid: 9, after: before });
  assert.deepEqual(
    buffers.map(({ inode }) => inode),
    [1, 3, 2, 4],
  );
});

test("joinBuffers matches a list without inodes by the buffers' properties, one for one", () => {
  const anonymous = (size: number, name: string | undefined): KernelBuffer => ({
    inode: undefined,
    size,
    exporter: 'udmabuf',
    name,
    references: undefined,
    devices: ['vop'],
  });
  const before = [
    anonymous(4096, 'mine'),
    anonymous(4096, 'mine'),
    anonymous(4096, undefined),
    anonymous(8192, 'mine'),
  ];
  // One of the first two is held. One with other properties is gone by the second reading.
  const buffers = joinBuffers({ before, processes: [holding(9, 7)], ownPid: 9, after: before.slice(0, 3) });
  assert.deepEqual(
    buffers.map(({ inode, size, name, devices, holders }) => [inode, size, name, devices, holders.length]),
    [
      [null, 4096, 'mine', ['vop'], 0],
      [null, 4096, null, ['vop'], 0],
      [7, 4096, 'mine', ['vop'], 1],
    ],
  );
});

test("joinBuffers names processes that share a holder's tables, and counts references once", () => {
  const sharer = { ...holding(9, 7), descriptorsSharedWith: [10, 11] };
  const [buffer] = joinBuffers({ before: [], processes: [sharer], ownPid: 11, after: [] });
  assert.equal(buffer?.otherReferences, 1);
  assert.deepEqual(buffer?.holders, [
    { pid: 9, comm: 'a', isSelf: true, fds: [3], mappingCount: 0, shareBytes: 4096, sharedWith: [10, 11] },
  ]);
});
