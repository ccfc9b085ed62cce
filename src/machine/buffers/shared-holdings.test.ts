import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ProcessHoldings } from './process-holdings.ts';
import { countSharedOnce } from './shared-holdings.ts';
import type { CompareProcesses } from './shared-holdings.ts';

function holding(pid: number, fds: readonly number[], mappingCount = 0): ProcessHoldings {
  const buffer = { inode: 5, size: 4096, name: undefined };
  return {
    pid,
    comm: 'a',
    startTicks: 1,
    isKernelThread: false,
    isWhole: true,
    descriptors: fds.map((fd) => ({ ...buffer, fd, exporter: 'system', references: 1 })),
    mappings: Array.from({ length: mappingCount }, () => ({ ...buffer, sizeIsMinimum: false })),
    indistinctCount: 0,
    unreadableCount: 0,
  };
}

/** Answers like a kernel in which each process has the given tables, in an arbitrary order. */
function kernelWith(tables: Readonly<Record<number, { descriptors: number; memory: number }>>): CompareProcesses {
  return (pid, otherPid, resource) => {
    const [one, other] = [tables[pid]?.[resource], tables[otherPid]?.[resource]];
    return one === undefined || other === undefined ? undefined : Math.sign(other - one);
  };
}

function told({ processes, uncertainCount }: ReturnType<typeof countSharedOnce>): unknown {
  return {
    uncertainCount,
    processes: processes.map(({ pid, descriptors, mappings, descriptorsSharedWith, mappingsSharedWith }) => [
      pid,
      descriptors.length,
      mappings.length,
      descriptorsSharedWith,
      mappingsSharedWith,
    ]),
  };
}

test('countSharedOnce counts one table of descriptors, and one memory, at its first process', () => {
  const processes = [holding(30, [3, 4], 1), holding(10, [3, 4], 2), holding(20, [3, 4], 2), holding(40, [3, 4])];
  const compare = kernelWith({
    10: { descriptors: 7, memory: 1 },
    20: { descriptors: 7, memory: 2 },
    30: { descriptors: 8, memory: 1 },
    40: { descriptors: 7, memory: 3 },
  });
  assert.deepEqual(told(countSharedOnce(processes, compare)), {
    uncertainCount: 0,
    processes: [
      [10, 2, 2, [20, 40], [30]],
      [20, 0, 2, undefined, undefined],
      [30, 2, 0, undefined, undefined],
      [40, 0, 0, undefined, undefined],
    ],
  });
});

test('countSharedOnce counts processes that may share their holdings, where the kernel does not answer', () => {
  const processes = [holding(1, [3]), holding(2, [3]), holding(3, [4]), holding(4, [3]), holding(5, [])];
  const compare = kernelWith({ 1: { descriptors: 1, memory: 1 }, 3: { descriptors: 2, memory: 2 } });
  assert.deepEqual(told(countSharedOnce(processes, compare)), {
    uncertainCount: 3,
    processes: [1, 2, 3, 4, 5].map((pid) => [pid, pid === 5 ? 0 : 1, 0, undefined, undefined]),
  });
});

test('countSharedOnce compares few processes: not each pair', () => {
  const processes = Array.from({ length: 2000 }, (_, index) => holding(index + 1, [3]));
  let questionCount = 0;
  const { uncertainCount } = countSharedOnce(processes, (pid, otherPid) => {
    questionCount += 1;
    return Math.sign((pid % 1000) - (otherPid % 1000));
  });
  assert.equal(uncertainCount, 0);
  // 2,000 comparisons of processes with themselves, 2,000 times 11 for sorting, 2,000 of
  // neighbours. There are two million pairs.
  assert.ok(questionCount < 30_000, String(questionCount));
});
