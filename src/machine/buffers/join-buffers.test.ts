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
  };
}

test('joinBuffers does not blame the kernel for buffers that came or went while the processes were read', () => {
  const before = [listed(1, 4096), listed(2, 4096)];
  const buffers = joinBuffers({ before, processes: [], ownPid: 9, inodesAfter: new Set([2, 3]) });
  assert.deepEqual(
    buffers.map(({ inode }) => inode),
    [2],
  );
});

test('joinBuffers lists what a process holds, also where the kernel list does not have it', () => {
  const [buffer] = joinBuffers({ before: [], processes: [holding(9, 7)], ownPid: 9, inodesAfter: new Set() });
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
  const buffers = joinBuffers({ before, processes: [], ownPid: 9, inodesAfter: new Set([1, 2, 3, 4]) });
  assert.deepEqual(
    buffers.map(({ inode }) => inode),
    [1, 3, 2, 4],
  );
});
